"""An import or update killed at any moment leaves the lake whole at its last version; `nox -s kill` is longer."""

import pytest
from killing import kill_an_import, kill_an_update


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kill", [kill_an_import, kill_an_update])
def test_a_kill_leaves_the_lake_whole_at_its_last_version(tmp_path, kill, seed):
    kill(tmp_path, seed)
