"""What plots say, in two languages."""

from dataclasses import dataclass

from napari_glioma_density.findings.written import Language as Language  # re-exported


@dataclass(frozen=True)
class PlotWords:
    """Titles and axes; names in braces are filled in."""

    language: Language
    scales: dict[str, str]
    histogram: str
    patch_density: str
    patches: str
    shares: str
    share_of_patches: str
    band: str
    along_line: str
    from_border: str
    distance_along: str
    distance_from: str
    sides: str
    right_side: str
    of_side: dict[str, str]
    """Before what was fitted to one side of two that are drawn."""
    tissue_density: str
    fit: str
    slope: str
    nothing: str


ENGLISH = PlotWords(
    language="en",
    scales={
        "paper": "Xia et al. 2025",
        "this slide": "this slide",
        "colour-blind safe": "Xia et al. 2025",
    },
    histogram="Nuclear density of the patches",
    patch_density="nuclear area, % of patch   (bands: {scale})",
    patches="patches of {side} mm",
    shares="Patches in each band",
    share_of_patches="share of the patches read, %",
    band="nuclear area, % of patch   (bands: {scale})",
    along_line="Nuclear density along a drawn line",
    from_border="Nuclear density against distance from a drawn line",
    distance_along="distance along the line, mm",
    distance_from="distance from the line, mm",
    sides="negative: on the left of the line as it was drawn",
    right_side="on the right of the line as it was drawn",
    of_side={"left": "on the left: ", "right": "on the right: ", "both": ""},
    tissue_density="nuclear area, % of tissue",
    fit="exponential fit, decay length {length} mm (95 % interval {interval})",
    slope="slope {slope} points per mm (95 % interval {interval})",
    nothing="nothing measured yet",
)

CHINESE = PlotWords(
    language="zh",
    scales={
        "paper": "论文分级",
        "this slide": "本切片分级",
        "colour-blind safe": "色盲友好配色",
    },
    histogram="各图块的核密度分布",
    patch_density="核面积占图块面积的百分比（%）　色阶：{scale}",
    patches="边长 {side} mm 的图块数",
    shares="各密度等级所占比例",
    share_of_patches="占已读取图块的百分比（%）",
    band="核面积占图块面积的百分比（%）　色阶：{scale}",
    along_line="沿所画线的核密度",
    from_border="核密度与距所画线距离的关系",
    distance_along="沿线距离（mm）",
    distance_from="距所画线的距离（mm）",
    sides="负值：位于画线方向的左侧",
    right_side="位于画线方向的右侧",
    of_side={"left": "左侧：", "right": "右侧：", "both": ""},
    tissue_density="核面积占组织面积的百分比（%）",
    fit="指数拟合，衰减长度 {length} mm（95% 区间 {interval}）",
    slope="斜率 {slope} 个百分点/mm（95% 区间 {interval}）",
    nothing="尚无测量结果",
)
