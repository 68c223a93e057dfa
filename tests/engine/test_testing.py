"""The tests of a small project pass on each database, and leave nothing behind.

The project's own tests are the files with_unittest.py and with_pytest.py of `tested`.
"""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from .project import new_project, run

TESTED = Path(__file__).parent / "tested"
FILES = {
    "shop/settings.py": """
INSTALLED_APPS += ["streamsite.streams"]
# Nobody answers at this address: the tests of a project need no Redis.
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": ["redis://127.0.0.1:9"]},
    }
}
""",
    "shop/memory.py": "from .settings import *",
    "shop/file.py": """
from .settings import *
DATABASES["default"]["TEST"] = {"NAME": BASE_DIR / "test.sqlite3"}
""",
    "shop/asgi.py": """
from streamsite.streams.asgi import streams_application
application = streams_application(get_asgi_application())
""",
    "shop/urls.py": """
from django.urls import include
from . import views
urlpatterns += [
    path("stream/", include("streamsite.streams.urls")),
    path("ask", views.ask),
    path("job", views.job),
    path("loop", views.loop),
    path("look/<name>", views.look),
]
""",
    "shop/views.py": (TESTED / "views.py").read_text(),
    "shop/tests.py": (TESTED / "with_unittest.py").read_text(),
    "test_shop.py": (TESTED / "with_pytest.py").read_text(),
    "conftest.py": 'pytest_plugins = ["streamsite.streams.testing_plugin"]',
    "pytest.ini": """[pytest]
asyncio_default_fixture_loop_scope = function
filterwarnings = error
""",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_project(tmp_path_factory.mktemp("tested"), FILES)


@pytest.fixture(params=["memory", "file", "postgres"])
def settings(request: pytest.FixtureRequest, project: Path) -> str:
    """Return the settings of the project that name each database."""
    module = project / "shop" / f"{request.param}.py"
    if not module.exists():
        server = request.getfixturevalue("postgres")
        url = urlsplit(server.new_database("tested"))
        database = {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": url.path[1:],
            "USER": url.username,
            "HOST": url.hostname,
            "PORT": url.port,
        }
        module.write_text(f"from .settings import *\nDATABASES = {{'default': {database!r}}}")
    return f"shop.{request.param}"


def test_the_tests_pass_with_manage_py(project: Path, settings: str):
    # The status is not 0 when the test database can't be dropped.
    run(project, "-W", "error", "manage.py", "test", f"--settings={settings}", "shop")


def test_the_tests_pass_with_pytest(project: Path, settings: str):
    # pytest-django only warns when the test database can't be dropped.
    assert "warning" not in run(project, "-m", "pytest", "-p", "no:playwright", f"--ds={settings}")


def test_the_helpers_need_no_pytest(project: Path):
    code = """
import sys
sys.modules["pytest"] = None
import django
django.setup()
import streamsite.streams.testing
"""
    run(project, "-c", code)


def test_the_block_is_entered_outside_of_an_event_loop(project: Path):
    code = """
import asyncio
import django
django.setup()
from streamsite.streams.testing import isolated
async def main():
    try:
        with isolated():
            pass
    except RuntimeError as error:
        print(error)
asyncio.run(main())
"""
    assert "outside of an event loop" in run(project, "-c", code)
