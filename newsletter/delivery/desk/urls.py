"""Pages of the admin that are no model's own."""

from django.urls import path

from newsletter.delivery.desk import views

app_name = "sending"
urlpatterns = [
    path("alert/", views.choose_alert, name="alert"),
    path("alert/write/", views.write_alert, name="write_alert"),
    path("alert/<int:pk>/", views.sent_alert, name="sent_alert"),
    path("forecast/issue/<int:pk>/", views.forecast_of_issue, name="forecast_issue"),
    path("forecast/schedule/<int:pk>/", views.forecast_of_schedule, name="forecast_schedule"),
]
