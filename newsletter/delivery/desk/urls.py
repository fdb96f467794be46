"""Pages of the admin that are no model's own."""

from django.urls import path

from newsletter.delivery.desk import views
from newsletter.delivery.desk.campaign import views as campaign
from newsletter.delivery.desk.correcting import views as correcting
from newsletter.delivery.desk.narrowing import views as narrowing

app_name = "sending"
urlpatterns = [
    path("alert/", views.choose_alert, name="alert"),
    path("alert/write/", views.write_alert, name="write_alert"),
    path("alert/<int:pk>/", views.sent_alert, name="sent_alert"),
    path("correction/issue/<int:pk>/", correcting.write_correction, name="write_correction"),
    path("correction/<int:pk>/", correcting.sent_correction, name="sent_correction"),
    path("audience/issue/<int:pk>/", narrowing.narrow, name="audience"),
    path("campaign/<int:pk>/progress/", campaign.progress, name="campaign_progress"),
    path("campaign/<int:pk>/everybody.csv", campaign.export, name="campaign_export"),
    path("forecast/issue/<int:pk>/", views.forecast_of_issue, name="forecast_issue"),
    path("forecast/schedule/<int:pk>/", views.forecast_of_schedule, name="forecast_schedule"),
]
