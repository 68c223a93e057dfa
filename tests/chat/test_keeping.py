"""Keeping: how long conversations are kept, and what stays when an answer's stream is removed."""

from tests.inside import conversations, keeping
from tests.site import Site

from .front import Front


def test_a_conversation_is_deleted_with_its_streams_a_year_after_its_last_question(
    backend_site: Site, front: Front, key: str
):
    new = f"{key}-new"
    for each in (key, new):
        front.ask(each, "count 1")
    address = front.conversation(key)["stream"]
    backend_site.call(conversations.age, key, 366)
    backend_site.call(conversations.age, new, 364)

    dry = backend_site.manage("pruneconversations", "--dry-run")
    assert (dry.returncode, dry.stdout) == (0, f"{key}\n"), dry.stderr
    assert front.conversation(key)["messages"]

    done = backend_site.manage("pruneconversations")
    assert (done.returncode, done.stdout) == (0, f"{key}\n"), done.stderr
    assert "Conversations deleted: 1." in done.stderr
    assert front.get(f"/chat/conversations/{key}").status_code == 404
    assert front.get(f"{address}/polling").status_code == 404
    assert front.conversation(new)["messages"]
    assert backend_site.manage("pruneconversations").stdout == ""


def test_a_conversation_is_kept_while_an_answer_to_it_is_being_written(
    backend_site: Site, front: Front, key: str
):
    with front.asking(key, "hang") as answer:
        answer.until("waiting ")
        backend_site.call(conversations.age, key, 366)
        assert backend_site.manage("pruneconversations").stdout == ""
        front.stop(key)
        answer.rest()
    assert backend_site.manage("pruneconversations").stdout == f"{key}\n"


def test_a_site_may_keep_conversations_for_ever(backend_site: Site, front: Front, key: str):
    front.ask(key, "count 1")
    backend_site.call(conversations.age, key, 3660)
    for_ever = Site(backend_site.var, {**backend_site.env, "CHAT_KEEP": "forever"})
    assert for_ever.manage("pruneconversations").stdout == ""
    assert backend_site.manage("pruneconversations").stdout == f"{key}\n"


def test_an_answer_that_nobody_looked_at_survives_the_removal_of_its_stream(
    backend_site: Site, front: Front, key: str
):
    front.ask(key, "count 3")
    name = backend_site.call(conversations.unsettle, key)
    backend_site.call(keeping.remove, name)
    found = front.conversation(key)
    assert found["messages"][-1]["parts"] == [{"type": "text", "text": "0 1 2 ", "state": "done"}]
    assert (found["live"], found["stream"]) == (False, None)
