"""A chat: questions, and the answers of a model as streams that resume and stop.

An app on the public names of `streamsite.streams`. Its endpoints serve an unmodified front end of
the AI SDK (npm `ai`, `useChat`):

    INSTALLED_APPS = [..., "streamsite.streams", "streamsite.chat"]

    urlpatterns = [..., path("chat/", include("streamsite.chat.urls"))]

An answer is a stream of JSON values, each of which is a part of the AI SDK's "UI message stream".
The answer belongs to the stream and not to a connection: a reader who disconnects leaves the answer
alone, a reader who comes back gets the whole answer, and a stop ends it in whichever process it
runs.
"""

from .questions import Question as Question

__all__ = ["Question"]
