"""Figures of one backtest: thin drawings of the arrays in `series`; the doors to all other figures."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quantbench.core.results import Backtest
from quantbench.report.candle_figures import candle_traces, candles_figure, closed_times
from quantbench.report.colours import DIVERGING, GAIN, LOSS, MUTED
from quantbench.report.comparison_figures import plot_comparison
from quantbench.report.search_figures import plot_study
from quantbench.report.series import (
    EquityLine,
    MonthlyReturns,
    TradeProfits,
    candles,
    equity_line,
    excursions,
    exposure_by_month,
    monthly_returns,
    rolling_sharpe,
    trade_profits,
)
from quantbench.report.style import TEMPLATE, figure, go, make_subplots
from quantbench.report.trade_calendar import trade_calendar
from quantbench.research.stress import AtCosts

__all__ = [
    "MONTHS",
    "calendar_figure",
    "candles_figure",
    "costs_figure",
    "equity_figure",
    "excursions_figure",
    "exposure_figure",
    "monthly_figure",
    "plot_backtest",
    "plot_comparison",
    "plot_study",
    "profits_figure",
    "rolling_sharpe_figure",
]

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_LINE: Final = {"color": GAIN, "width": 1.5}
_WHEN: Final = "%{x|%Y-%m-%d %H:%M}"
_QUIET: Final = "rgba(128, 132, 140, 0.16)"  # a trading day without an entry
_BLOCK: Final = 7  # rows of a year in the calendar: six weeks and a gap


def plot_backtest(result: Backtest) -> go.Figure:
    """Return the four pictures to look at first: equity with drawdown, trades on the bars, months, trade profits.

    Examples
    --------
    >>> import quantbench as qb
    >>> figure = qb.backtest(qb.MaCross(20, 100), qb.load("EURUSD", "H1")).plot()
    >>> figure.layout.title.text.split("<br>")[0]
    'MaCross on EURUSD H1'
    """
    view, currency = candles(result), result.account.currency
    fig = make_subplots(
        rows=4,
        cols=2,
        specs=[[{"colspan": 2}, None], [{"colspan": 2}, None], [{"colspan": 2}, None], [{}, {}]],
        row_heights=[0.28, 0.12, 0.38, 0.22],
        vertical_spacing=0.07,
        horizontal_spacing=0.1,
        subplot_titles=(
            f"Equity, {currency}",
            "Drawdown",
            f"Last trades: {len(view.time)} of {len(result.bars):,} bars",
            "Net return by month",
            f"Net profit of a trade, {currency}",
        ),
    )
    line = equity_line(result)
    for row, traces in enumerate((_equity_traces(line), _drawdown_traces(line), candle_traces(view, result)), start=1):
        fig.add_traces(traces, rows=row, cols=1)
    fig.add_traces(_month_traces(monthly_returns(result)), rows=4, cols=1)
    fig.add_traces(_profit_traces(trade_profits(result)), rows=4, cols=2)
    fig.update_layout(template=TEMPLATE, height=1_080, showlegend=False, bargap=0.05, margin={"t": 90})
    fig.update_layout(title={"text": f"{_who(result)}<br><sup>{result.headline}</sup>", "y": 0.985, "yanchor": "top"})
    fig.update_annotations(font_size=12, x=0, xanchor="left")
    fig.layout.annotations[-1].x = fig.layout.xaxis5.domain[0]
    fig.update_xaxes(type="date", rangeslider_visible=False, row=1).update_xaxes(type="date", matches="x", row=2)
    fig.update_xaxes(type="date", rangeslider_visible=False, rangebreaks=closed_times(view, result), row=3)
    fig.update_yaxes(tickformat=".0%", row=2).update_yaxes(autorange="reversed", type="category", row=4, col=1)
    return fig


def _who(result: Backtest) -> str:
    return f"{type(result.strategy).__name__} on {result.bars.symbol} {result.bars.timeframe}"


def equity_figure(result: Backtest) -> go.Figure:
    """Return equity above its drawdown, one time axis, one legend-free picture."""
    line, currency = equity_line(result), result.account.currency
    fig = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.7, 0.3], vertical_spacing=0.06)
    fig.add_traces(_equity_traces(line), rows=1, cols=1).add_traces(_drawdown_traces(line), rows=2, cols=1)
    fig.add_hline(y=result.account.balance, line={"color": MUTED, "width": 1, "dash": "dot"}, row=1, col=1)
    fig.update_layout(template=TEMPLATE, title_text="Equity and drawdown", height=440, showlegend=False)
    fig.update_layout(hovermode="x unified")
    fig.update_xaxes(type="date").update_yaxes(title_text=f"Equity, {currency}", row=1, col=1)
    return fig.update_yaxes(title_text="Drawdown", tickformat=".1%", row=2, col=1)


def _equity_traces(line: EquityLine) -> list[Any]:
    hover = f"{_WHEN}<br>%{{y:,.2f}}<extra></extra>"
    return [go.Scatter(x=line.time, y=line.equity, mode="lines", line=_LINE, hovertemplate=hover)]


def _drawdown_traces(line: EquityLine) -> list[Any]:
    look = {"line": {"color": LOSS, "width": 1}, "fill": "tozeroy", "fillcolor": "rgba(214, 114, 11, 0.25)"}
    return [go.Scatter(x=line.time, y=line.drawdown, mode="lines", hovertemplate="%{y:.2%}<extra></extra>", **look)]


def monthly_figure(result: Backtest) -> go.Figure:
    """Return the heatmap of monthly returns, with the year's total as the last column."""
    table = monthly_returns(result)
    fig = figure(_month_traces(table), title="Net return by month", height=130 + 34 * len(table.years))
    return fig.update_yaxes(autorange="reversed", type="category", showgrid=False).update_xaxes(side="top")


def _month_traces(table: MonthlyReturns) -> list[Any]:
    cells = np.column_stack((table.returns, table.total))
    text = [[f"{100 * value:.1f}" if np.isfinite(value) else "" for value in row] for row in cells]
    most = float(np.nanmax(np.abs(table.returns), initial=0.0)) or 0.01
    return [
        go.Heatmap(
            z=cells,
            x=[*MONTHS, "Year"],
            y=[str(year) for year in table.years],
            text=text,
            texttemplate="%{text}",
            colorscale=DIVERGING,
            zmin=-most,
            zmax=most,
            showscale=False,
            xgap=2,
            ygap=2,
            hoverongaps=False,
            hovertemplate="%{x} %{y}: %{z:.2%}<extra></extra>",
        )
    ]


def calendar_figure(result: Backtest) -> go.Figure:
    """Return the net profit of the trades entered on each day: a block a month, a row a week, Monday first."""
    found, currency = trade_calendar(result), result.account.currency
    years, _, _, weekdays = found.day.shape
    day, trades, profit = (
        _blocks(values, fill) for values, fill in ((found.day, -1), (found.trades, 0), (found.profit, np.nan))
    )
    dates = np.datetime_as_string(day.astype("datetime64[D]"))
    text = [
        [f"{date}: {made:,.2f} {currency}, trades: {n}" if n else "" for date, made, n in zip(*row, strict=True)]
        for row in zip(dates, profit, trades, strict=True)
    ]
    look = {"showscale": False, "xgap": 1, "ygap": 1, "hoverongaps": False}
    quiet = np.where((day >= 0) & (trades == 0), 0.0, np.nan)
    traces = [
        go.Heatmap(z=quiet, colorscale=[[0, _QUIET], [1, _QUIET]], hoverinfo="skip", **look),
        go.Heatmap(
            z=_blocks(found.strength, np.nan),
            text=text,
            hovertemplate="%{text}<extra></extra>",
            colorscale=DIVERGING,
            zmin=-1,
            zmax=1,
            **look,
        ),
    ]
    left = f", the last {years} of {years + found.earlier} years" if found.earlier else ""
    fig = figure(traces, title=f"Net profit by day of entry{left}", height=76 + 72 * years)
    centres = (weekdays + 1) * np.arange(12) + (weekdays - 1) / 2
    fig.update_xaxes(side="top", tickvals=centres, ticktext=MONTHS, showgrid=False, zeroline=False)
    middles = _BLOCK * np.arange(years) + (_BLOCK - 2) / 2
    fig.update_yaxes(autorange="reversed", tickvals=middles, ticktext=[str(year) for year in found.years])
    return fig.update_yaxes(showgrid=False, zeroline=False).update_layout(hovermode="closest")


def _blocks(values: npt.NDArray[Any], fill: float) -> npt.NDArray[Any]:
    """Return (year, week, month, weekday) as one sheet, with an empty line after each year and each month."""
    years, weeks, months, weekdays = values.shape
    spaced = np.pad(values, ((0, 0), (0, 1), (0, 0), (0, 1)), constant_values=fill)
    return spaced.reshape(years * (weeks + 1), months * (weekdays + 1))


def profits_figure(result: Backtest) -> go.Figure:
    """Return the histogram of trade profits; the zero line is an edge, so no bar mixes wins with losses."""
    fig = figure(_profit_traces(trade_profits(result)), title="Net profit of a trade", height=300)
    fig.update_xaxes(title_text=f"Net profit of a trade, {result.account.currency}")
    return fig.update_yaxes(title_text="Trades").update_layout(bargap=0.05)


def _profit_traces(profits: TradeProfits) -> list[Any]:
    low, high = profits.edges[:-1], profits.edges[1:]
    colours = np.where(low >= 0, GAIN, LOSS)
    hover = "%{customdata[0]:,.2f} to %{customdata[1]:,.2f}: %{y} trades<extra></extra>"
    bars = {"x": (low + high) / 2, "y": profits.trades, "customdata": np.column_stack((low, high))}
    return [go.Bar(**bars, marker={"color": colours, "line": {"width": 0}}, hovertemplate=hover)]


def excursions_figure(result: Backtest) -> go.Figure:
    """Return how far each trade went against and in favour; shape and colour tell winners from losers."""
    found, currency = excursions(result), result.account.currency
    traces = []
    for label, rows, symbol, colour in (
        ("Closed with a profit", found.profit > 0, "circle-open", GAIN),
        ("Closed with a loss", found.profit <= 0, "x-thin", LOSS),
    ):
        look = {"symbol": symbol, "size": 7, "color": colour, "line": {"width": 1.5, "color": colour}}
        at = {"x": found.mae[rows], "y": found.mfe[rows], "customdata": found.profit[rows]}
        hover = "worst %{x:,.2f}, best %{y:,.2f}<br>closed with %{customdata:,.2f} net<extra></extra>"
        traces.append(go.Scatter(**at, mode="markers", marker=look, name=label, hovertemplate=hover))
    fig = figure(traces, title="How far trades went against and in favour", height=340)
    fig.update_xaxes(title_text=f"Worst open profit (MAE), {currency}", showgrid=True)
    return fig.update_yaxes(title_text=f"Best open profit (MFE), {currency}").update_layout(hovermode="closest")


def costs_figure(stress: AtCosts) -> go.Figure:
    """Return the net return at each multiple of the costs."""
    known = np.isfinite(stress.total_return)
    returns = stress.total_return[known]
    text = [f"{100 * value:.1f} %" for value in returns]
    bars = go.Bar(
        x=[f"costs x{factor:g}" for factor in stress.factor[known]],
        y=returns,
        text=text,
        textposition="auto",
        marker={"color": np.where(returns > 0, GAIN, LOSS), "line": {"width": 0}},
        hovertemplate="%{x}: %{y:.2%}<extra></extra>",
    )
    fig = figure([bars], title="Net return when trading costs more", height=220)
    return fig.update_yaxes(showticklabels=False, showgrid=False, zeroline=True).update_layout(bargap=0.5)


def rolling_sharpe_figure(result: Backtest) -> go.Figure:
    """Return the Sharpe of the last 60 trading days, through time."""
    found = rolling_sharpe(result)
    hover = "%{x|%Y-%m-%d}: %{y:.2f}<extra></extra>"
    line = go.Scatter(x=found.time, y=found.sharpe, mode="lines", line=_LINE, hovertemplate=hover)
    fig = figure([line], title=f"Sharpe of the last {found.lookback} trading days", height=260)
    return fig.update_xaxes(type="date").update_yaxes(zeroline=True)


def exposure_figure(result: Backtest) -> go.Figure:
    """Return the share of each month's bars held long (up) and short (down)."""
    found = exposure_by_month(result)
    traces = []
    for sign, share, label, colour in ((1, found.long, "Long", GAIN), (-1, found.short, "Short", LOSS)):
        look = {"color": colour, "line": {"width": 0}}
        hover = f"%{{x|%b %Y}}: %{{y:.0%}} {label.lower()}<extra></extra>"
        traces.append(go.Bar(x=found.time, y=sign * share, name=label, marker=look, hovertemplate=hover))
    fig = figure(traces, title="Share of time in the market", height=260)
    return fig.update_xaxes(type="date").update_yaxes(tickformat=".0%").update_layout(barmode="relative")
