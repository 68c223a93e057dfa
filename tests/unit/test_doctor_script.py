"""What the doctor makes of the script without which the pages of a site show no stream."""

import pytest
from django.test import override_settings

from streamsite.streams.doctor.entrance import Entrance
from streamsite.streams.doctor.script import check_script

from .test_doctor_entrance import answer, serving

PLAIN = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
HASHED = {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
}


@pytest.mark.parametrize(
    ("given", "level", "says"),
    [
        (answer(body=b"", Content_Type="text/javascript"), "ok", "get the script"),
        (answer(body=b"", Content_Type='application/javascript; charset="utf-8"'), "ok", ""),
        (answer("404 Not Found", b""), "problem", "status 404"),
        (answer(body=b"", Content_Type="text/plain"), "problem", "the type 'text/plain'"),
        (b"", "problem", "gives no answer"),
    ],
)
async def test_a_script_that_browsers_do_not_get_is_found(given: bytes, level: str, says: str):
    answers = {"": answer("404 Not Found", b""), "stream-output.js": given}
    with override_settings(STORAGES=PLAIN, STATIC_URL="/static/"):
        async with serving(answers) as url:
            found = await check_script(Entrance(url, {}, insecure=False))
    assert found.level == level
    assert says in found.sentence


async def test_static_files_that_were_not_collected_are_found(tmp_path):
    with override_settings(STORAGES=HASHED, STATIC_ROOT=tmp_path, DEBUG=False):
        found = await check_script(Entrance("http://localhost", {}, insecure=False))
    assert found.level == "problem"
    assert "collectstatic" in found.change


@pytest.mark.parametrize(("host", "sent"), [("localhost", False), ("127.0.0.1", True)])
async def test_the_doctors_headers_go_to_the_site_alone(host: str, sent: bool):
    # With the header, this server takes the endpoint to be another one.
    javascript = answer(body=b"", Content_Type="text/javascript")
    answers = {"": answer("404 Not Found", b""), "stream-output.js resumed": javascript}
    async with serving(answers) as url:
        static = f"{url.replace('127.0.0.1', host)}/static/"
        with override_settings(STORAGES=PLAIN, STATIC_URL=static):
            entrance = Entrance(url, {"Last-Event-ID": "3"}, insecure=False)
            found = await check_script(entrance)
    assert (found.level == "ok") is sent
