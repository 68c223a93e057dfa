"""The URLs below /lab/runs/. The panels' connections reach the engine's through panels.py."""

from django.urls import path

from . import plain, views

app_name = "lab"

PLAIN = "<str:run_id>/<slug:panel>/plain/<slug:path>"
ENGINE = "<str:run_id>/<slug:panel>/engine/<slug:path>"

urlpatterns = [
    path("", views.all_runs, name="runs"),
    path("clock", views.clock, name="clock"),
    path("<str:run_id>", views.one_run, name="run"),
    path("<str:run_id>/faults", views.cause_fault, name="faults"),
    path(f"{PLAIN}/polling", plain.polling, name="plain-polling"),
    path(f"{PLAIN}/chunked", plain.chunked, name="plain-chunked"),
    path(f"{PLAIN}/events", plain.events, name="plain-events"),
    path(f"{PLAIN}/ws", plain.PlainConsumer.as_view(), name="plain-ws"),
    path(f"{ENGINE}/ws", views.PanelConsumer.as_view(), name="panel-ws"),
    path(f"{ENGINE}/<slug:endpoint>", views.panel, name="panel"),
]
