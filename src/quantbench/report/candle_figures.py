"""Candles with the trades made on them: entries, exits, and the levels they were opened with."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quantbench.core.results import Backtest
from quantbench.core.rules import REASONS
from quantbench.core.timeframe import timeframe_ns
from quantbench.report.colours import GAIN, LOSS, MUTED, SECOND
from quantbench.report.series import Candles, candles, milliseconds
from quantbench.report.style import figure, go

__all__ = ["candle_traces", "candles_figure", "closed_times"]

_MOST_BREAKS: Final = 1_000
_WHEN: Final = "%{x|%Y-%m-%d %H:%M}"
_ENTRIES: Final = ((1, "Long entry", "triangle-up", GAIN), (-1, "Short entry", "triangle-down", LOSS))


def candles_figure(result: Backtest, *, last: int | None = None, until: int | None = None) -> go.Figure:
    """Return a window of candles with its trades: entry, exit, and the stop and take they were opened with.

    Parameters
    ----------
    result : Backtest
    last : int, optional
        Bars to show; those of the last few trades where not given.
    until : int, optional
        The last bar to show, by position; the last exit where not given.
    """
    view = candles(result, last=last, until=until)
    fig = figure(candle_traces(view, result), title="The last trades on their bars", height=440)
    fig.update_xaxes(type="date", rangeslider_visible=False, rangebreaks=closed_times(view, result))
    return fig.update_layout(hovermode="closest", yaxis_tickformat=f".{min(result.bars.instrument.digits, 4)}f")


def closed_times(view: Candles, result: Backtest) -> list[dict[str, Any]]:
    """Return the times without bars in the window (weekends, holidays), for the axis to leave out."""
    step = timeframe_ns(result.bars.timeframe) / 1e6
    expected = np.arange(view.time[0], view.time[-1], step)
    closed = expected[~np.isin(expected, view.time)]
    return [{"values": closed.tolist(), "dvalue": step}] if 0 < len(closed) <= _MOST_BREAKS else []


def candle_traces(view: Candles, result: Backtest) -> list[Any]:
    """Return the candles, the levels and the markers of a window."""
    prices = go.Candlestick(
        x=view.time,
        open=view.open,
        high=view.high,
        low=view.low,
        close=view.close,
        name="Bars (bid)",
        increasing={"line": {"color": MUTED, "width": 1}, "fillcolor": "rgba(0,0,0,0)"},
        decreasing={"line": {"color": MUTED, "width": 1}, "fillcolor": MUTED},
        showlegend=False,
    )
    rows = view.trades
    if not len(rows):
        return [prices]
    time = milliseconds(result.bars.time_ns)
    from_, to = time[np.maximum(rows["entry_bar"], view.first)], time[rows["exit_bar"]]
    levels = [
        go.Scatter(
            x=_segments(from_, to),
            y=_segments(rows[level], rows[level]),
            mode="lines",
            line={"color": colour, "width": 1.2, "dash": "dot"},
            name=label,
            hoverinfo="skip",
        )
        for level, colour, label in (("stop", LOSS, "Stop at entry"), ("take", GAIN, "Take at entry"))
        if np.isfinite(rows[level]).any()
    ]
    return [prices, *levels, *_marker_traces(view, time)]


def _marker_traces(view: Candles, time: npt.NDArray[np.float64]) -> list[Any]:
    rows, end = view.trades, view.first + len(view.time)
    traces = []
    for side, label, symbol, colour in _ENTRIES:
        opened = rows[(rows["side"] == side) & (rows["entry_bar"] >= view.first)]
        if len(opened):
            look = {"symbol": symbol, "size": 11, "color": colour, "line": {"width": 1, "color": "#ffffff"}}
            hover = f"{label} %{{y}}, %{{customdata:.2f}} lots<br>{_WHEN}<extra></extra>"
            at = {"x": time[opened["entry_bar"]], "y": opened["entry_price"], "customdata": opened["lots"]}
            traces.append(go.Scatter(**at, mode="markers", marker=look, name=label, hovertemplate=hover))
    closed = rows[rows["exit_bar"] < end]
    if len(closed):
        text = [f"{REASONS[row['reason']].replace('_', ' ')}, net {row['profit']:,.2f}" for row in closed]
        at = {"x": time[closed["exit_bar"]], "y": closed["exit_price"], "text": text}
        look = {"symbol": "x-thin", "size": 8, "line": {"width": 2, "color": SECOND}}
        hover = f"Exit %{{y}}: %{{text}}<br>{_WHEN}<extra></extra>"
        traces.append(go.Scatter(**at, mode="markers", marker=look, name="Exit", hovertemplate=hover))
    return traces


def _segments(start: npt.NDArray[np.float64], end: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return start, end, NaN, start, end, NaN, ...: one trace draws them all with gaps between."""
    return np.column_stack((start, end, np.full(len(start), np.nan))).ravel()
