"""The rules that every feed's texts are tidied by, unless its switch is off or a rule of the editors keeps a line."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from articles.boilerplate import Effect, Group, Rule, RuleBook


def _lines(*patterns: str, effect: Effect = Effect.LINE, needs_link: bool = False) -> tuple[Rule, ...]:
    return tuple(Rule(pattern, effect, needs_link) for pattern in patterns)


STANDARD = (
    Group(
        gettext_lazy("Marks of an advertisement"),
        _lines(
            "advertisement", "advertising", "sponsored content", "story continues below advertisement",
            "article continues below *advertisement", "scroll to continue reading", "scroll to continue with content",
            "anzeige", "werbung", "publicité", "publicidad", "pubblicità", "publicidade", "advertentie", "annonse",
            "reklama", "reklam", "mainos", "реклама", "reclame", "διαφήμιση", "إعلان", "広告", "广告", "광고",
        ),
        ("- Advertisement -", "ADVERTISEMENT", "— Anzeige —", "[Publicité]", "إعلان"),
        ("Advertisement spending fell by a tenth last year.", "The advertisement was painted over at night."),
    ),
    Group(
        gettext_lazy("“The post … appeared first on …”"),
        _lines(
            "the post * appeared first on *", "the article * appeared first on *",
            "der beitrag * erschien zuerst auf *", "l'article * est apparu en premier sur *",
            "la entrada * se publicó primero en *", "la entrada * aparece primero en *", "l'articolo * proviene da *",
            "o post * apareceu primeiro em *", "het bericht * verscheen eerst op *", "inlägget * dök först upp på *",
            "indlægget * blev først udgivet på *", "innlegget * dukket først opp på *", "wpis * pojawił się *",
            "příspěvek * se nejdříve objevil na *", "сообщение * появились сначала на *",
            "запись * впервые появилась *", "投稿 * に最初に表示されました",
        ),
        ("The post Ferry returns appeared first on Harbor Wire.", "Der Beitrag Fähre erschien zuerst auf Hafenblatt."),
        ("The post office appeared to be closed.", "The post first appeared in the harbor in 1902."),
    ),
    Group(
        gettext_lazy("“Continue reading”, with a link"),
        _lines(
            "continue reading*", "read more", "read more at *", "read the full story*", "read the full article*",
            "read the rest*", "read more on *", "keep reading*", "click here to read *", "view original*",
            "weiterlesen*", "mehr lesen", "den ganzen artikel lesen*", "lire la suite*", "en savoir plus",
            "leer más*", "seguir leyendo*", "leggi tutto*", "continua a leggere*", "continue lendo*", "leia mais*",
            "lees verder*", "lees meer*", "läs mer*", "les mer*", "læs mere*", "czytaj dalej*", "číst dále*",
            "читать далее*", "続きを読む*",
            needs_link=True,
        ),
        ('<a href="https://news.example/1">Continue reading →</a>', '<a href="https://news.example/1">Read more</a>'),
        ("Continue reading to children at bedtime, teachers say.", "Read more"),
    ),
    Group(
        gettext_lazy("Further stories, as a line with a link"),
        _lines(
            "read also: *", "also read: *", "read also *", "also read *", "read more: *", "related: *",
            "related story: *", "related stories: *", "see also: *", "more on this: *", "don't miss: *",
            "lesen sie auch: *", "mehr zum thema: *", "lire aussi *", "à lire aussi *", "lea también: *",
            "te puede interesar: *", "leggi anche: *", "leia também: *", "lees ook: *", "läs också: *", "les også: *",
            "læs også: *", "czytaj też: *", "читайте также: *",
            needs_link=True,
        ),
        ('<b>Read also:</b> <a href="https://news.example/2">Tide tables explained</a>',),
        ("Related: the council also voted on the pier.",),
    ),
    Group(
        gettext_lazy("Appeals to sign up"),
        _lines(
            "subscribe to our *newsletter*", "subscribe to the * newsletter*", "sign up for our *newsletter*",
            "sign up to our *newsletter*", "sign up for the * newsletter*", "get our *newsletter*",
            "join our *newsletter*", "join our *mailing list*", "click here to subscribe*", "subscribe now",
            "subscribe today", "subscribe to our *channel*", "join our *channel*", "download our *app*",
            "get our *app*", "enjoying this story? *", "support our journalism*", "become a member today*",
            "abonnieren sie unseren newsletter*", "jetzt *newsletter abonnieren*", "melden sie sich * newsletter an*",
            "inscrivez-vous à notre newsletter*", "abonnez-vous à *newsletter*", "abonnez-vous à *lettre*",
            "suscríbete a nuestr* *", "suscríbase a nuestr* *", "iscriviti alla * newsletter*",
            "assine nossa newsletter*", "schrijf je in voor onze nieuwsbrief*", "подпишитесь на нашу рассылку*",
        ),
        ("Subscribe to our newsletter", "Sign up for our free daily newsletter and never miss a story!"),
        ("The museum's newsletter goes out to 4,000 members.", "Subscribers to our neighbors' theater got a refund."),
    ),
    Group(
        gettext_lazy("Appeals to follow, and share bars"),
        (
            *_lines(
                "follow us on *", "follow us at *", "like us on facebook*", "find us on *", "share this",
                "share this *:", "share this story*", "share this article*", "share this post*", "share on *",
                "share via *", "like this", "like this* loading*", "folgen sie uns auf *", "teilen mit",
                "suivez-nous sur *", "síguenos en *", "seguici su *", "siga-nos *", "volg ons op *",
            ),
        ),
        ("Follow us on Bluesky and Mastodon!", "Share this:", "Facebook | X | WhatsApp | Email", "Like this: Loading…"),
        ("Share prices fell.", "Facebook said it would appeal.", "X"),
    ),
    Group(
        gettext_lazy("Notices of rights, at the end"),
        _lines(
            "© *all rights reserved*", "copyright *all rights reserved*", "all rights reserved*", effect=Effect.REST
        ),
        (),
        ("He sang “All rights reserved” at the festival, and the square sang along.",),
    ),
)  # fmt: skip
STANDARD_RULES = tuple(rule for group in STANDARD for rule in group.rules)
STANDARD_BOOK = RuleBook(STANDARD_RULES)
