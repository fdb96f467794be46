"""What the page of an article asks in the background, and the pages that lead from it: versions, preview."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_POST

from articles import outlook, pictures, roles
from articles.admin.merging_pages import MergingPages, editor_of
from articles.desk import action
from articles.models import Article, Revision, WorkingCopy
from articles.writing import autosaving, comparing, illustrating, previewing, revisions

VERSIONS_SHOWN = 100


class ArticlePages(MergingPages):
    """The pages around the form, for the article's admin class."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        pages = [
            ("autosave/", "autosave_new", require_POST(self.autosave_new)),
            ("discard/<int:copy_pk>/", "discard_new", require_POST(self.discard_new)),
            ("pictures/", "upload_picture", require_POST(self.upload_picture)),
            ("preview/new/<int:copy_pk>/", "preview_new", require_GET(self.preview_new)),
            ("preview/new/<int:copy_pk>/frame/", "preview_new_frame", self.preview_new_frame),
            ("<int:pk>/autosave/", "autosave", require_POST(self.autosave)),
            ("<int:pk>/leave/", "leave", require_POST(self.leave)),
            ("<int:pk>/discard/", "discard", require_POST(self.discard)),
            ("<int:pk>/versions/<int:revision>/restore/", "restore", self.restore),
            ("<int:pk>/preview/frame/", "preview_frame", self.preview_frame),
        ]
        own = [path(route, view(page), name=f"articles_article_{name}") for route, name, page in pages]
        return [*own, *super().get_urls()]

    # --- in the background ----------------------------------------------------------------------------------------
    def autosave(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Keep what was typed, say that somebody is here, and tell who else is."""
        article, now, editor = self._changeable(request, pk), timezone.now(), editor_of(request)
        answer: dict[str, Any] = {}
        has_changes = request.POST.get("has_changes") == "1"
        autosaving.sign_of_life(article=article, editor=editor, has_changes=has_changes, now=now)
        if has_changes:
            answer |= self._kept(request, article, None)
        others = autosaving.others(article=article, editor=editor, now=now)
        is_stale = request.POST.get("base", "") != revisions.digest_of(article)
        return JsonResponse({**answer, "others": [asdict(other) for other in others], "is_stale": is_stale})

    def autosave_new(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        copy_pk = request.POST.get("copy_pk", "")
        return JsonResponse(self._kept(request, None, int(copy_pk) if copy_pk.isdecimal() else None))

    def _kept(self, request: HttpRequest, article: Article | None, copy_pk: int | None) -> dict[str, Any]:
        fields = self.get_form(request, article, change=article is not None).base_fields
        names = {*fields, *(f"{name}_{part}" for name in fields for part in (0, 1))}
        values = {name: request.POST.getlist(name) for name in request.POST if name in names}
        now = timezone.now()
        try:
            copy = autosaving.keep(
                article=article, editor=editor_of(request), values=values, base=request.POST.get("base", ""),
                copy_pk=copy_pk, now=now,
            )  # fmt: skip
        except autosaving.TooLong:
            return {"error": _("This text is too long to be kept while you type. Save it in parts.")}
        return {"kept_at": date_format(timezone.localtime(now), "TIME_FORMAT"), "copy_pk": copy.pk}

    def leave(self, request: HttpRequest, pk: int) -> HttpResponse:
        autosaving.leave(article=self._changeable(request, pk), editor=editor_of(request))
        return HttpResponse(status=204)

    def discard(self, request: HttpRequest, pk: int) -> HttpResponse:
        article = self._changeable(request, pk)
        if autosaving.discard(editor=editor_of(request), article=article):
            messages.success(request, _("Your unsaved changes are thrown away. This is the article as it is saved."))
        return HttpResponseRedirect(reverse("admin:articles_article_change", args=[pk]))

    def discard_new(self, request: HttpRequest, copy_pk: int) -> HttpResponse:
        if autosaving.discard(editor=editor_of(request), copy_pk=copy_pk):
            messages.success(request, _("The unsaved text is thrown away."))
        return HttpResponseRedirect(reverse("admin:articles_article_changelist"))

    def upload_picture(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm("articles.add_article") and not request.user.has_perm("articles.change_article"):
            raise PermissionDenied
        upload = request.FILES.get("picture")
        if upload is None:
            return JsonResponse({"error": _("Choose a picture.")}, status=400)
        try:
            stored = illustrating.store(upload.read(pictures.MAX_BYTES + 1), file_name=upload.name or "")
        except pictures.PictureError as error:
            return JsonResponse({"error": str(error)}, status=400)
        return JsonResponse(asdict(stored))

    # --- versions -------------------------------------------------------------------------------------------------
    @action(description=gettext_lazy("Versions"), url_path="versions", icon="history", permissions=["view"])
    def versions(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """All versions; what changed between two of them, by default by the latest."""
        article = self._visible(request, object_id)
        kept = list(article.revisions.select_related("editor").defer("content")[:VERSIONS_SHOWN])
        after = _chosen(kept, request.GET.get("after", ""), 0)
        before = _chosen(kept, request.GET.get("before", ""), kept.index(after) + 1 if after else 1)
        changes = comparing.changes(before.content, after.content) if before and after else []
        context = {
            "article": article, "versions": kept, "before": before, "after": after, "changes": changes,
            "may_restore": roles.may_change(request.user, article), "latest": kept[0] if kept else None,
        }  # fmt: skip
        return self._page(request, article, "versions", _("Versions"), context)

    def restore(self, request: HttpRequest, pk: int, revision: int) -> HttpResponse:
        article = self._changeable(request, pk)
        chosen = get_object_or_404(Revision.objects.select_related("editor"), pk=revision, article=article)
        at = date_format(timezone.localtime(chosen.created_at), "DATETIME_FORMAT")
        if request.method == "POST":
            revisions.restore(chosen, editor=editor_of(request), now=timezone.now())
            messages.success(request, _("The article says again what it said on %(at)s.") % {"at": at})
            return HttpResponseRedirect(reverse("admin:articles_article_change", args=[pk]))
        return self.ask(
            request,
            article,
            question=_("Bring back the version of %(at)s?") % {"at": at},
            details=[
                _("Its words, topics, authors and picture come back. Times and address stay as they are."),
                _("What the article says now is kept among the versions."),
            ],
            verb=_("Bring it back"),
            back=reverse("admin:articles_article_versions", args=[pk]),
        )

    # --- preview --------------------------------------------------------------------------------------------------
    @action(description=gettext_lazy("Preview"), url_path="preview", icon="visibility", permissions=["view"])
    def preview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """How it will look: on the site and in each newsletter; with the editor's own unsaved changes."""
        article, copy = self._previewed(request, object_id)
        frame = reverse("admin:articles_article_preview_frame", args=[article.pk])
        return self._preview_page(request, article, copy, frame)

    def preview_new(self, request: HttpRequest, copy_pk: int) -> HttpResponse:
        copy = get_object_or_404(WorkingCopy, pk=copy_pk, article=None, editor=editor_of(request))
        frame = reverse("admin:articles_article_preview_new_frame", args=[copy_pk])
        return self._preview_page(request, self._typed(request, copy), copy, frame)

    def _preview_page(
        self, request: HttpRequest, article: Article, copy: WorkingCopy | None, frame: str
    ) -> HttpResponse:
        context = {"article": article, "copy": copy, "frame": frame, "mails": outlook.mail_previews(article)}
        return self._page(request, article, "preview", _("Preview"), context)

    @property
    def preview_frame(self) -> Any:
        return xframe_options_sameorigin(self._preview_frame)

    @property
    def preview_new_frame(self) -> Any:
        return xframe_options_sameorigin(self._preview_new_frame)

    def _preview_frame(self, request: HttpRequest, pk: int) -> HttpResponse:
        return previewing.frame(request, self._previewed(request, pk)[0], now=timezone.now())

    def _preview_new_frame(self, request: HttpRequest, copy_pk: int) -> HttpResponse:
        copy = get_object_or_404(WorkingCopy, pk=copy_pk, article=None, editor=editor_of(request))
        return previewing.frame(request, self._typed(request, copy), now=timezone.now())

    def _previewed(self, request: HttpRequest, pk: str | int) -> tuple[Article, WorkingCopy | None]:
        article = self._visible(request, pk)
        copy = autosaving.copy_of(article, editor_of(request))
        return (self._typed(request, copy), copy) if copy else (article, None)

    def _typed(self, request: HttpRequest, copy: WorkingCopy) -> Article:
        return previewing.typed(copy, self.get_form(request, copy.article, change=copy.article is not None))


def _chosen(kept: list[Revision], pk: str, default: int) -> Revision | None:
    """The version that was asked for, else the one at this place."""
    named = next((revision for revision in kept if str(revision.pk) == pk), None)
    return named or (kept[default] if default < len(kept) else None)
