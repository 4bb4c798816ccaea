"""Every method alone, on problems whose answer is known in closed form: no bars, no workers."""

import itertools

import numpy as np
import pytest

from quantbench.core.errors import ParamsError
from quantbench.core.space import Dimension, Range, Space
from quantbench.core.study import non_dominated
from quantbench.research import genetic as genetic_search
from quantbench.research.asking import METHODS, Told, method_named
from quantbench.research.genetic import Individual, _migrated

DRAWING = sorted(set(METHODS) - {"grid"})
MIXED = Space(
    (
        Dimension("way", ("none", "stop"), "none"),
        Dimension("stop", Range(0.0, 1.0), 0.5, ("way", ("stop",))),
        Dimension("length", Range(1, 100), 10),
        Dimension("scale", Range(0.01, 10.0, log=True), 1.0),
        Dimension("odd", (1, 2, 5, 20), 1),
    )
)


def run(name, space, score, *, trials, seed=1, objectives=1):
    """Ask for so many choices and answer with `score`; return choices and points, in order."""
    asking = method_named(name)(space, objectives=objectives, trials=trials, seed=seed)
    choices, points, batch = [], [], next(asking)
    while len(choices) < trials:
        found = np.array([score(choice) for choice in batch], float).reshape(len(batch), objectives)
        choices += batch
        points.append(found)
        try:
            batch = asking.send(Told(found, np.zeros(len(batch))))
        except StopIteration:
            break
    return choices[:trials], np.concatenate(points)[:trials]


def hill(choice):
    """Highest at length 40, scale 1, with the stop used at 0.3."""
    stop = -abs(choice["stop"] - 0.3) if choice["way"] == "stop" else -1.0
    return stop - ((choice["length"] - 40) / 100) ** 2 - np.log10(choice["scale"]) ** 2 / 4


@pytest.mark.parametrize("name", DRAWING)
def test_a_choice_is_in_the_space_settled_and_the_same_for_the_same_seed(name):
    one, _ = run(name, MIXED, hill, trials=60)
    two, _ = run(name, MIXED, hill, trials=60)
    other, _ = run(name, MIXED, hill, trials=60, seed=2)
    assert one == two != other
    for choice in one:
        assert choice == MIXED.settled(choice)
        assert 1 <= choice["length"] <= 100
        assert 0.01 <= choice["scale"] <= 10
        assert choice["odd"] in {1, 2, 5, 20}
        assert choice["way"] == "stop" or choice["stop"] == 0.5


@pytest.mark.parametrize("name", sorted(set(DRAWING) - {"random", "sobol"}))
def test_what_learns_does_better_than_chance(name):
    numbers = Space((Dimension("way", ("stop",), "stop"), *MIXED.dimensions[1:4]))  # CMA-ES learns nothing of words
    space = numbers if name == "cmaes" else MIXED
    _, learnt = run(name, space, hill, trials=400)
    _, drawn = run("random", space, hill, trials=400)
    assert learnt[-100:].mean() > drawn.mean() + 0.3
    assert learnt.max() > -0.1


def two_ends(choice):
    """Minimise f1 = x and f2 = 1 - sqrt(x) + y, the front of ZDT1 with one other dimension (Zitzler et al. 2000)."""
    g = 1 + 9 * (choice["y"] + choice["z"]) / 2
    return -choice["x"], -(g * (1 - np.sqrt(choice["x"] / g)))


def hypervolume(points):
    """The area that is better than (1.1, 1.1), of points to be minimised."""
    front = -points[non_dominated(points)]
    front = front[(front < 1.1).all(axis=1)]
    area, ceiling = 0.0, 1.1
    for x, y in front[np.argsort(front[:, 0])]:
        area += (1.1 - x) * max(ceiling - y, 0.0)
        ceiling = min(ceiling, y)
    return area


@pytest.mark.parametrize("name", ["nsga2", "genetic"])
def test_a_front_known_in_closed_form_is_found_to_95_percent_of_its_hypervolume(name):
    cube = Space(tuple(Dimension(axis, Range(0.0, 1.0), 0.5) for axis in "xyz"))
    _, points = run(name, cube, two_ends, trials=3_000, objectives=2)
    x = np.linspace(0, 1, 20_001)
    known = np.trapezoid(1.1 - (1 - np.sqrt(x)), x) + 0.1 * 1.1  # up to x = 1, then the strip beyond it
    assert hypervolume(points) >= 0.95 * known


@pytest.mark.parametrize("name", ["nsga3", "genetic"])
def test_four_objectives_spread_over_their_simplex(name):
    cube = Space(tuple(Dimension(axis, Range(0.0, 1.0), 0.5) for axis in "abcd"))

    def corners(choice):
        shares = np.array([choice[axis] for axis in "abcd"])
        return shares / max(shares.sum(), 1.0)

    _, points = run(name, cube, corners, trials=2_000, objectives=4)
    _, drawn = run("random", cube, corners, trials=2_000, objectives=4)
    ideal = np.eye(4) * 0.7 + 0.075  # near each corner, and the middle
    for wanted in (*ideal, np.full(4, 0.25)):
        near, by_chance = (np.linalg.norm(found - wanted, axis=1).min() for found in (points, drawn))
        assert near < max(by_chance, 0.1)


def test_the_best_of_an_island_replace_the_worst_of_the_next_one():
    islands = [[Individual((0.0,), {"x": f"{name}{place}"}, (-place,), 0.0) for place in range(5)] for name in "abc"]
    after = [[one.choice["x"] for one in island] for island in _migrated(islands)]
    assert after == [
        ["a0", "a1", "a2", "c0", "c1"],
        ["b0", "b1", "b2", "a0", "a1"],
        ["c0", "c1", "c2", "b0", "b1"],
    ]


def test_a_large_genetic_search_lives_on_islands_that_migrate_every_fifth_generation(monkeypatch):
    seen, real = [], genetic_search._migrated
    monkeypatch.setattr(genetic_search, "_migrated", lambda islands: seen.append(len(islands)) or real(islands))
    cube = Space((Dimension("x", Range(0.0, 1.0), 0.5), Dimension("y", Range(0.0, 1.0), 0.5)))
    run("genetic", cube, lambda choice: choice["x"] * choice["y"], trials=3_000)
    assert seen == [2] * 6, "thirty generations of a hundred, fifty on an island"


def test_a_grid_asks_for_everything_once():
    space = Space((Dimension("a", tuple(range(40)), 0), Dimension("b", tuple(range(30)), 0)))
    choices, _ = run("grid", space, hash_of_nothing, trials=10_000)
    assert [tuple(choice.values()) for choice in choices] == list(itertools.product(range(40), range(30)))


def hash_of_nothing(_):
    return 0.0


def test_numpys_global_state_is_left_as_it_was():
    cube = Space(tuple(Dimension(axis, Range(0.0, 1.0), 0.5) for axis in "abcd"))
    before = np.random.get_state()  # noqa: NPY002
    run("genetic", cube, lambda choice: list(choice.values()), trials=100, objectives=4)
    after = np.random.get_state()  # noqa: NPY002
    assert (before[1] == after[1]).all()
    assert before[2:] == after[2:]


def test_constraints_are_met_before_the_objective_counts():
    cube = Space((Dimension("x", Range(0.0, 1.0), 0.5), Dimension("y", Range(0.0, 1.0), 0.5)))
    for name in ("tpe", "cmaes", "nsga2", "genetic"):
        asking = method_named(name)(cube, objectives=1, trials=400, seed=3)
        batch, late = next(asking), []
        for _ in range(30):
            points = np.array([[choice["x"]] for choice in batch])
            missed = np.array([max(choice["x"] - 0.5, 0.0) for choice in batch])
            late = [*late, *(choice["x"] for choice in batch)][-60:]
            try:
                batch = asking.send(Told(points, missed))
            except StopIteration:  # it has settled
                break
        best = max(x for x in late if x <= 0.5)
        assert best > 0.4, name
        assert np.median(late) < 0.75, name


@pytest.mark.parametrize("name", DRAWING)
def test_answers_of_nothing_but_failures_are_taken(name):
    choices, _ = run(name, MIXED, lambda _: np.nan, trials=50)
    assert len(choices) == 50


def test_methods_that_cannot_are_refused():
    with pytest.raises(ParamsError, match=r"unknown method 'genetics': did you mean genetic\?"):
        method_named("genetics")
    with pytest.raises(ParamsError, match="cmaes takes one objective, found 2"):
        next(method_named("cmaes")(MIXED, objectives=2, trials=10, seed=1))
