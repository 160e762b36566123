"""What is drawn next, and with which tool."""

from dataclasses import replace

from magicgui.widgets import ComboBox
from qtpy.QtWidgets import QButtonGroup, QDoubleSpinBox, QGridLayout, QLineEdit, QPushButton

from napari_glioma_density.regions.region import Reason
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.parts import Box, row, text
from napari_glioma_density.ui.regions.actions import RegionActions
from napari_glioma_density.ui.regions.drawing import RegionDrawing
from napari_glioma_density.ui.regions.purpose import MEANS, REFERENCES, Purpose, Wanted
from napari_glioma_density.ui.regions.tools import AREA_TOOLS, HOW, LINE_TOOLS

COLUMNS = 3
CHOOSE = "Choose a tool; a second click on it puts it down."
EDITING = (
    "Drag a corner to move it. In napari's tools above: insert and remove corners, or select and "
    "move the whole. Backspace deletes what is selected."
)


class DrawBox(Box):
    """Purpose and tools; the tool stays in hand until it is put down."""

    def __init__(self, actions: RegionActions, drawing: RegionDrawing) -> None:
        super().__init__("Draw")
        self._actions, self._drawing = actions, drawing
        self._make_parts()
        self._lay_out()
        self.connections = Connections()
        self._connect()
        self._choose_purpose(Purpose.LEFT_OUT)
        self._show()

    def _make_parts(self) -> None:
        self._purpose = ComboBox(choices=[(str(each), each) for each in Purpose])
        self._purpose.native.setAccessibleName("What to draw")
        self._reason = ComboBox(choices=[(each.capitalize(), each) for each in Reason])
        self._reason.native.setAccessibleName("Why it is left out")
        self._tissue = ComboBox(choices=[(each.capitalize(), each) for each in REFERENCES])
        self._tissue.native.setAccessibleName("Which tissue")
        self._name = QLineEdit()
        self._name.setAccessibleName("Name of the next region")
        self._means = text(quiet=True)
        self._tools = {tool: QPushButton(str(tool)) for tool in (*AREA_TOOLS, *LINE_TOOLS)}
        self._group = QButtonGroup(self)
        self._group.setExclusive(False)
        for tool, button in self._tools.items():
            button.setCheckable(True)
            button.setToolTip(HOW[tool])
            self._group.addButton(button)
        self._radius = QDoubleSpinBox()
        self._radius.setRange(2, 2000)
        self._radius.setDecimals(0)
        self._radius.setSingleStep(10)
        self._radius.setSuffix(" µm")
        self._radius.setValue(self._drawing.radius_um)
        self._radius.setAccessibleName("Radius of the brush")
        self._radius_name = text("Radius", wrap=False)
        self._how = text(CHOOSE, quiet=True)

    def _lay_out(self) -> None:
        what = [self._purpose.native, self._reason.native, self._tissue.native, self._name]
        line = row(what)
        for index in range(len(what)):
            line.setStretch(index, 1)
        self.body.addLayout(line)
        self.body.addWidget(self._means)
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        for column in range(COLUMNS):
            grid.setColumnStretch(column, 1)
        for tools in (AREA_TOOLS, LINE_TOOLS):
            for index, tool in enumerate(tools):
                grid.addWidget(self._tools[tool], index // COLUMNS, index % COLUMNS)
        grid.addLayout(row([self._radius_name, self._radius], stretch=1), 1, 2)
        self.body.addLayout(grid)
        self.body.addWidget(self._how)

    def _connect(self) -> None:
        add = self.connections.add
        add(self._purpose.changed, self._choose_purpose)
        add(self._reason.changed, self._choose)
        add(self._tissue.changed, self._choose)
        add(self._name.textChanged, self._choose)
        add(self._radius.valueChanged, self._drawing.set_radius)
        add(self._group.buttonClicked, self._click)
        add(self._drawing.changed, self._show)

    def _choose_purpose(self, purpose: Purpose) -> None:
        """Offer what goes with a purpose: its reason, tissue or name, and its tools."""
        purpose = Purpose(purpose)
        self._means.setText(f"{purpose}: {MEANS[purpose]}.")
        self._reason.native.setVisible(purpose is Purpose.LEFT_OUT)
        self._tissue.native.setVisible(purpose is Purpose.REFERENCE)
        self._name.setVisible(purpose.kind.is_line or purpose is Purpose.AREA)
        self._name.setPlaceholderText("A, B … or a name" if purpose is Purpose.AREA else "Name")
        for tool, button in self._tools.items():
            button.setVisible((tool in LINE_TOOLS) is purpose.kind.is_line)
        for part in (self._radius_name, self._radius):
            part.setVisible(not purpose.kind.is_line)
        held = self._drawing.tool
        if held is not None and (held in LINE_TOOLS) is not purpose.kind.is_line:
            self._actions.choose_tool(None)
        self._name.clear()
        self._choose()

    def _choose(self, _value: object = None) -> None:
        wanted = Wanted(Purpose(self._purpose.value), Reason(self._reason.value))
        if wanted.purpose is Purpose.REFERENCE:
            wanted = replace(wanted, name=str(self._tissue.value))
        elif wanted.purpose is not Purpose.LEFT_OUT:
            wanted = replace(wanted, name=self._name.text().strip())
        self._actions.wanted = wanted

    def _click(self, clicked: QPushButton) -> None:
        tool = next(tool for tool, button in self._tools.items() if button is clicked)
        self._actions.choose_tool(tool if clicked.isChecked() else None)

    def _show(self) -> None:
        held = self._drawing.tool
        for tool, button in self._tools.items():
            button.setChecked(tool is held)
        if self._drawing.region is not None:
            self._how.setText(EDITING)
        else:
            self._how.setText(CHOOSE if held is None else HOW[held])
