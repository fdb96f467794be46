from django.urls import path

from newsletter.delivery.mailbox import views

app_name = "mailbox"
urlpatterns = [
    path("", views.message_list, name="list"),
    path("messages.json", views.messages_json, name="json"),
    path("<int:pk>/", views.message_detail, name="message"),
    path("<int:pk>.html", views.message_html, name="html"),
    path("<int:pk>.eml", views.message_source, name="source"),
]
