"""Measure how often the gauntlet is wrong and write docs/error-rates.md. About half an hour on two cores.

python scripts/error_rates.py            # as published
python scripts/error_rates.py --worlds 20    # a look
"""

from __future__ import annotations

import argparse
from pathlib import Path

import quantbench as qb
from quantbench.research.calibration.calibrate import GATES, NOT_RUN, Calibration
from quantbench.research.gauntlet.thresholds import thresholds

HERE = Path(__file__).resolve().parents[1]
SEED = 20261126
SPACE = {"fast": tuple(range(5, 45, 2)), "slow": tuple(range(60, 260, 20))}  # 200 configurations


def rows(found: Calibration, name: str) -> list[str]:
    """Return the table's rows of one calibration."""
    lines = []
    for sharpe, worlds in found.outcomes.items():
        passed = [f"{sum(bool(one[at]) for one in worlds) / len(worlds):.1%}" for at in range(len(GATES))]
        rate = found.promoted(sharpe)
        lines.append(
            f"| {name} | {sharpe:g} | {found.years:g} | {len(worlds):,} | {' | '.join(passed)} "
            f"| **{rate.share:.1%}** | {rate.low:.1%} to {rate.high:.1%} |"
        )
    return lines


def main() -> None:
    """Simulate, and write."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--worlds", type=int, default=1_000)
    many = asked.parse_args().worlds
    instrument = qb.load("EURUSD", "H1").instrument
    null = qb.calibrate(worlds=many, sharpes=(0.0,), seed=SEED)
    planted = qb.calibrate(worlds=max(many // 5, 2), sharpes=(0.5, 1.0, 1.5, 2.0), seed=SEED)
    alone = qb.calibrate(worlds=max(many // 5, 2), sharpes=(1.5, 2.0), carrying=1, seed=SEED)
    few = {"worlds": max(many // 5, 2), "seed": SEED}
    walk = qb.calibrate_on_prices(instrument, years=3.0, strategy=qb.MaCross, space=SPACE, **few)
    real = qb.load("EURUSD", "H1")
    shuffled = qb.calibrate_on_prices(instrument, years=1.0, strategy=qb.MaCross, space=SPACE, bars=real, **few)
    few["worlds"] = max(many // 10, 2)
    traded = qb.calibrate_on_prices(instrument, years=6.0, sharpes=(1.5, 2.0), **few)
    both = Calibration(
        outcomes={**null.outcomes, **planted.outcomes},
        years=6.0,
        strategies=200,
        carrying=20,
        correlation=0.6,
        seed=SEED,
        kind="returns",
    )
    table = [
        *rows(null, "returns, no edge"),
        *rows(walk, "random walk, MaCross searched"),
        *rows(shuffled, "EURUSD 2017 in random order, MaCross searched"),
        *rows(planted, "returns, 20 of 200 carry it"),
        *rows(alone, "returns, 1 of 200 carries it"),
        *rows(traded, "prices, 20 of 200 carry it"),
    ]
    curve = [f"| {bar:g} | {row.false:.1%} | {row.missed:.1%} |" for bar, row in both.trade_off(1.5).iterrows()]
    text = (HERE / "scripts" / "error_rates.md").read_text("utf-8")
    text = text.replace("{table}", "\n".join(table)).replace("{curve}", "\n".join(curve))
    text = text.replace("{not_run}", ", ".join(NOT_RUN)).replace("{seed}", str(SEED))
    text = text.replace("{thresholds}", str(thresholds()["version"]))
    (HERE / "docs" / "error-rates.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
