"""Doorbells for the worker."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from newsletter.lib.doorbell import ring_now
from newsletter.subscribers import bulk_actions, personal_mail, signup, upkeep, welcoming
from newsletter.subscribers.importing import running
from newsletter.subscribers.importing import upkeep as imports
from newsletter.subscribers.shield import attack


@shared_task
def send_confirmation(*, sign_up_id: int) -> None:
    signup.send_confirmation(sign_up_id=sign_up_id, now=timezone.now())


@shared_task
def send_personal_mail(*, mail_id: int) -> None:
    personal_mail.deliver(mail_id=mail_id, now=timezone.now())


@shared_task
def sweep_personal_mails() -> None:
    for mail_id in personal_mail.owed(timezone.now()):
        ring_now(send_personal_mail, mail_id=mail_id)
    personal_mail.forget_old(timezone.now())


@shared_task
def sweep() -> None:
    for sign_up_id in upkeep.owed_mails(timezone.now()):
        ring_now(send_confirmation, sign_up_id=sign_up_id)


@shared_task
def clean_up() -> None:
    upkeep.clean_up(timezone.now())


@shared_task
def watch_sign_ups() -> None:
    attack.watch(timezone.now())
    attack.tell_operator(timezone.now())


@shared_task
def send_welcome(*, welcome_mail_id: int) -> None:
    welcoming.send_welcome(welcome_mail_id=welcome_mail_id, now=timezone.now())


@shared_task
def sweep_welcomes() -> None:
    for welcome_mail_id in welcoming.owed_welcomes(timezone.now()):
        ring_now(send_welcome, welcome_mail_id=welcome_mail_id)


@shared_task
def go_on_with_import(*, import_run_id: int) -> None:
    if running.advance(import_run_id=import_run_id, clock=timezone.now):
        ring_now(go_on_with_import, import_run_id=import_run_id)


@shared_task
def sweep_imports() -> None:
    for import_run_id in imports.abandoned(timezone.now()):
        ring_now(go_on_with_import, import_run_id=import_run_id)
    imports.delete_old_files(timezone.now())


@shared_task
def go_on_with_bulk_action(*, bulk_action_id: int) -> None:
    if bulk_actions.advance(bulk_action_id=bulk_action_id, clock=timezone.now):
        ring_now(go_on_with_bulk_action, bulk_action_id=bulk_action_id)


@shared_task
def sweep_bulk_actions() -> None:
    for bulk_action_id in bulk_actions.abandoned(timezone.now()):
        ring_now(go_on_with_bulk_action, bulk_action_id=bulk_action_id)
    bulk_actions.forget(timezone.now())
