"""``manage.py import_archive FILE-OR-ADDRESS``: everything that a site published before, brought in once."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from time import sleep
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from articles.archives import running, starting
from articles.archives.wxr import ArchiveError
from articles.models import Archive, Feed


class Command(BaseCommand):
    help = (
        "Imports a WordPress export (WXR), a feed document, a ZIP of them, or a feed that goes back page by page. "
        "No newsletter carries what it brings."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("archive", nargs="?", help="a file, or an address that begins with http:// or https://")
        parser.add_argument("--feed", metavar="ADDRESS", help="the feed of the same site, if there is one already")
        parser.add_argument("--no-drafts", action="store_true", help="leave drafts out")
        parser.add_argument("--pages", action="store_true", help="bring pages in, too")
        parser.add_argument("--make-topics", action="store_true", help="make topics of its categories")
        parser.add_argument("--resume", type=int, metavar="NUMBER", help="go on with an archive that was begun")
        parser.add_argument("--undo", type=int, metavar="NUMBER", help="take an archive back")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *, json: bool, **options: Any) -> None:
        archive = self._archive(options)
        while archive.is_working:
            is_ours = running.advance(archive_id=archive.pk, clock=timezone.now, seconds=5)
            archive.refresh_from_db()
            if archive.is_working and not is_ours:
                sleep(1)  # another worker is at it
            if archive.status == Archive.Status.READY:
                archive.start(timezone.now())
            if not json:
                self.stdout.write(f"{archive.get_status_display()}: {archive.position} / {archive.total_count or '?'}")
                self.stdout.flush()
        self._tell(archive, as_json=json)

    def _archive(self, options: dict[str, Any]) -> Archive:
        now = timezone.now()
        if options["undo"] or options["resume"]:
            archive = Archive.objects.filter(pk=options["undo"] or options["resume"]).first()
            if archive is None:
                raise CommandError(_("There is no archive with this number."))
            if options["undo"] and not archive.undo(now):
                raise CommandError(_("It cannot be taken back: it is %(status)s.") % {
                    "status": archive.get_status_display()
                })  # fmt: skip
            if archive.status == Archive.Status.READY:
                archive.start(now)
            return archive
        try:
            return self._begun(options)
        except (ArchiveError, OSError) as error:
            raise CommandError(str(error)) from error

    def _begun(self, options: dict[str, Any]) -> Archive:
        name, now = options["archive"], timezone.now()
        if not name:
            raise CommandError(_("Name a file or an address."))
        feed = Feed.objects.filter(url=options["feed"]).first() if options["feed"] else None
        if options["feed"] and feed is None:
            raise CommandError(_("There is no feed with this address."))
        if name.startswith(("http://", "https://")):
            return starting.begin_pages(url=name, feed=feed, now=now, makes_topics=options["make_topics"])
        with Path(name).open("rb") as file:
            return starting.begin_file(
                upload=file, name=Path(name).name, feed=feed, now=now, takes_drafts=not options["no_drafts"],
                takes_pages=options["pages"], makes_topics=options["make_topics"],
            )  # fmt: skip

    def _tell(self, archive: Archive, *, as_json: bool) -> None:
        told = {"archive": archive.pk, "status": archive.status, **archive.counts, "error": archive.error}
        if as_json:
            self.stdout.write(json.dumps(told, ensure_ascii=False))
        elif archive.status != Archive.Status.FAILED:
            counts = ", ".join(f"{name}: {count}" for name, count in archive.counts.items())
            self.stdout.write(_("Archive %(number)s is %(status)s. %(counts)s") % {
                "number": archive.pk, "status": archive.get_status_display(), "counts": counts
            })  # fmt: skip
        if archive.status == Archive.Status.FAILED:
            raise CommandError(archive.error)
