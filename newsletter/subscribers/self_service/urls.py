from django.urls import path

from newsletter.subscribers.self_service import views

urlpatterns = [
    path("my-link/", views.my_link, name="my_link"),
    path("my-link/sent/", views.link_sent, name="link_sent"),
    path("my-link/renewed/", views.link_renewed, name="link_renewed"),
    path("preferences/<str:token>/new-link/", views.renew_link, name="renew_link"),
    path("preferences/<str:token>/address/", views.change_address, name="change_address"),
    path("preferences/<str:token>/download/", views.download, name="download"),
    path("preferences/<str:token>/erase/", views.erase, name="erase"),
    path("new-address/<str:token>/", views.confirm_address, name="confirm_address"),
    path("undo-address/<str:token>/", views.undo_address, name="undo_address"),
]
