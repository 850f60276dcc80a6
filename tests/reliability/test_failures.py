"""What merchants and operators read after a failure is true: the link that they are sent to is there, and heals it."""

import re

import pytest

from local.aws import LocalAws
from storelink.popup import languages
from storelink.testing.sandbox import Sandbox
from tests.reliability import failures
from tests.reliability.failures import LANGUAGES, STEPS, TROUBLES, FirstFailures
from tests.world import World

BUTTONS = {
    "activate": "Activate",
    "recreate": "Activate",
    "reauthorize": "Reauthorize",
}
"""The link that each action ends with."""


@pytest.fixture(scope="module")
def first_failures(aws: LocalAws, shops: Sandbox) -> FirstFailures:
    return FirstFailures(aws, shops)


@pytest.mark.parametrize("again", [False, True], ids=["first activation", "reauthorization"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_the_advice_names_is_shown_and_heals_it(
    world: World, first_failures: FirstFailures, trouble: str, step: str, again: bool
) -> None:
    if again:
        activation_id, failure = failures.fail(world, trouble, step, again=True)
    else:
        activation_id, failure = first_failures.see(trouble, step, world)
    button = BUTTONS[failure.action]
    for text in (*failure.popup.values(), failure.doctor):
        assert button in text
        assert "Extensions > Integrations" in text
    # A token that is gone leaves the integration active or not, and the text names the link of both.
    assert (
        failure.action == "recreate"
        or failure.grid.endswith(button)
        or "if the integration is inactive" in failure.doctor
    )
    assert failure.reason in failure.doctor
    world.shop.clear_troubles()
    healed = world.heal(failure.action)
    assert healed != activation_id
    assert world.run(healed)["state"] == "connected"
    assert world.credentials_work()


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("trouble", TROUBLES)
def test_no_first_time_merchant_is_sent_to_reauthorize_before_the_access_token(
    first_failures: FirstFailures, trouble: str, step: str
) -> None:
    failure = first_failures.of(trouble, step)
    if failure.grid.endswith("Activate"):
        assert failure.action != "reauthorize"


def test_each_language_says_it_in_its_own_words(world: World) -> None:
    _, failure = failures.fail(world, "maintenance", "request")
    texts = [failure.popup[language] for language in LANGUAGES]
    assert len(set(texts)) == len(LANGUAGES)
    for language, text in failure.popup.items():
        assert languages.load(language).explain("maintenance")[0].split()[0] in text


@pytest.mark.usefixtures("world")
def test_the_table_is_what_happens(first_failures: FirstFailures) -> None:
    assert failures.documented() == failures.table(first_failures), "run tests/reliability/failures.py"


def test_the_table_has_each_failure_at_each_step() -> None:
    rows = re.findall(r"^\| (request|access) \| ", failures.documented(), re.MULTILINE)
    assert len(rows) == len(STEPS) * len(TROUBLES)
