"""Conversations and messages in the admin: seen and deleted, not written."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from .models import Conversation, Message


class MessageInline(admin.TabularInline):
    model = Message
    fields = readonly_fields = ("role", "shown_text", "stream", "created_at")
    extra = 0
    can_delete = False

    @admin.display(description=_("text"))
    def shown_text(self, message: Message) -> str:
        return message.text

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Conversation)
class ConversationAdmin(admin.ModelAdmin):
    list_display = ("__str__", "owner", "created_at", "updated_at")
    list_filter = ("updated_at",)
    search_fields = ("title", "key", "owner__username")
    list_select_related = ("owner",)
    fields = ("key", "title", "owner", "created_at", "updated_at")
    readonly_fields = fields
    inlines = (MessageInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
