"""Turning drawings and edits into regions of the desk."""

from shapely.geometry.base import BaseGeometry

from napari_glioma_density.errors import BadInput
from napari_glioma_density.regions.region import Origin, Reason, Region, RegionKind
from napari_glioma_density.ui.regions.desk import Change, RegionDesk
from napari_glioma_density.ui.regions.drawing import RegionDrawing
from napari_glioma_density.ui.regions.purpose import Wanted
from napari_glioma_density.ui.regions.tools import Tool

NOTHING_THERE = "Nothing is under the eraser that could be taken away."
DRAWING_BEGUN = (
    "Nothing is taken back while a drawing is begun: "
    "end it with a double click, or put the tool down to drop it."
)


class RegionActions:
    """Makes regions of drawings; problems are told, not raised."""

    def __init__(self, desk: RegionDesk, drawing: RegionDrawing) -> None:
        self._desk = desk
        self._drawing = drawing
        self.wanted = Wanted()
        drawing.drawn.connect(self._take_drawing)
        drawing.edited.connect(self._take_edit)
        desk.changed.connect(self._follow_desk)

    def choose_tool(self, tool: Tool | None) -> None:
        """Take up a tool, or put it down."""
        self._tell("")
        try:
            self._drawing.choose(tool)
        except BadInput as error:
            self._drawing.choose(None)
            self._tell(str(error))

    def begin_anew(self) -> None:
        """Let go of a drawing that was begun, the tool in hand: its corners are another slide's."""
        try:
            self._drawing.choose(self._drawing.tool)
        except BadInput:  # this slide cannot be drawn on
            self._drawing.choose(None)

    def edit(self, region: Region | None) -> None:
        """Let a region's outline be edited."""
        self._tell("")
        if region is not None:
            self._desk.choose(region)
        self._drawing.edit(region)

    def rename(self, region: Region, name: str) -> None:
        """Give a region another name."""
        if name != region.name:
            self._desk.put(region.with_(name=name, origin=Origin.PERSON))

    def leave_out(self, region: Region, reason: Reason | None) -> None:
        """Leave a region out of every number for a reason, or count it again."""
        if region.kind.is_line:
            return
        if reason is not None:
            changed = region.with_(kind=RegionKind.EXCLUSION, reason=reason, origin=Origin.PERSON)
        elif region.kind is RegionKind.EXCLUSION:
            changed = region.with_(kind=RegionKind.AREA, reason=None, origin=Origin.PERSON)
            changed = changed.with_(name=region.name or region.title)
        else:
            return
        if changed != region:
            self._desk.put(changed)

    def delete(self, region: Region) -> None:
        """Take a region away."""
        self._desk.remove(region.id)

    def undo(self) -> None:
        """Take the last change of a region back, but none unseen while another is drawn."""
        if self._drawing.is_begun:
            self._tell(DRAWING_BEGUN)
        else:
            self._desk.undo()

    def _tell(self, problem: str) -> None:
        self._desk.session.problem.emit(problem)

    def _take_drawing(self, tool: Tool, geometry: BaseGeometry) -> None:
        self._tell("")
        try:
            if tool is Tool.ERASER:
                self._erase(geometry)
            else:
                self._add(tool, geometry)
        except BadInput as error:
            self._tell(str(error))

    def _add(self, tool: Tool, geometry: BaseGeometry) -> None:
        wanted, regions = self.wanted, self._desk.regions
        like = None
        if tool is Tool.BRUSH:
            painted = (r for r in regions if wanted.is_like(r) and r.geometry.intersects(geometry))
            like = next(painted, None)
        if like is not None:
            region = _reshaped(like, like.geometry.union(geometry))
        else:
            region = Region.drawn(
                wanted.purpose.kind,
                geometry,
                name=wanted.name_among(regions),
                reason=wanted.reason,
            )
        self._desk.put(region)
        self._desk.choose(self._desk.region(region.id))

    def _erase(self, stroke: BaseGeometry) -> None:
        change: Change = {
            region.id: None if (rest := region.geometry.difference(stroke)).is_empty
            else _reshaped(region, rest)
            for region in self._desk.regions
            if not region.kind.is_line and region.geometry.intersects(stroke)
        }  # fmt: skip
        if not change:
            raise BadInput(NOTHING_THERE)
        self._desk.change(change)

    def _take_edit(self, region: Region, geometry: BaseGeometry | None) -> None:
        if geometry is None:
            self._desk.remove(region.id)
            return
        try:
            edited = _reshaped(region, geometry)
        except BadInput as error:
            self._tell(str(error))
            self._drawing.edit(region)
            return
        self._drawing.region = edited
        self._desk.put(edited)

    def _follow_desk(self) -> None:
        """Show the edited region anew when something else has changed it."""
        edited = self._drawing.region
        if edited is None:
            return
        now = self._desk.region(edited.id)
        if now is None or now.geometry != edited.geometry:
            self._drawing.edit(now)
        else:
            self._drawing.region = now


def _reshaped(region: Region, geometry: BaseGeometry) -> Region:
    """Return a region with another outline, a person's from now on."""
    return Region.drawn(
        region.kind,
        geometry,
        name=region.name,
        reason=region.reason,
        origin=Origin.PERSON,
        author=region.author,
        comment=region.comment,
        region_id=region.id,
    )
