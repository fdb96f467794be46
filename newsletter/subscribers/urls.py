from django.urls import include, path

from newsletter.subscribers import views
from newsletter.subscribers.shield import views as shield
from newsletter.subscribers.surfaces import views as surfaces

app_name = "subscribers"
urlpatterns = [
    path("subscribe/", surfaces.sign_up, name="sign_up"),
    path("subscribe/check-inbox/", surfaces.check_inbox, name="check_inbox"),
    path("subscribe/challenge/", shield.challenge, name="challenge"),
    path("embed/<slug:slug>/", surfaces.embed, name="embed"),
    path("embed.js", surfaces.embed_script, name="embed_script"),
    path("confirm/<str:token>/", views.confirm, name="confirm"),
    path("preferences/<str:token>/", views.preferences, name="preferences"),
    path("unsubscribe/<str:token>/", views.unsubscribe, name="unsubscribe"),
    path("stay/<str:token>/", views.stay, name="stay"),
    path("stay/<str:token>/<slug:answer>/", views.stay, name="stay_with"),
    path("", include("newsletter.subscribers.self_service.urls")),
]
