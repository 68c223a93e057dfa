"""The URLconf of the chat.

Include the URLconf in the one of your site:

    path("chat/", include("streamsite.chat.urls"))
"""

from django.urls import path

from . import views
from .consumers import ChatConsumer

app_name = "chat"

urlpatterns = [
    path("ws", ChatConsumer.as_view(), name="ws"),
    path("api", views.ask, name="ask"),
    path("api/text", views.ask_for_text, name="ask-for-text"),
    path("api/text/<path:key>/stream", views.resume_text, name="resume-text"),
    path("api/<path:key>/stream", views.resume, name="resume"),
    path("api/<path:key>/stop", views.stop_answer, name="stop"),
    path("conversations", views.conversations, name="conversations"),
    path("conversations/<path:key>", views.conversation, name="conversation"),
]
