"""The demo's pictures. A story names its scene in its head, and its alternative text describes what is drawn here."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image

from config.demo import things
from config.demo.canvas import Canvas

GABLES = ["c9694f", "e0b465", "7d9a8c", "d9cdb8", "8fa6b5", "b9805e"]


def dawn_ferry(canvas: Canvas) -> None:
    canvas.gradient(0, 470, ["5d7c9b", "a9b3b8", "f0c9a4", "f6dcb0"])
    canvas.glow(860, 430, 330, "fff0c9", 190)
    canvas.hills(440, 46, "8b97a0", waves=1.4)
    canvas.hills(470, 26, "6b7c88", waves=2.4)
    canvas.gradient(478, 800, ["d9c4ab", "8ea1ab", "4b6579"])
    canvas.path_of_light(860, 480, "fff1d2", 110)
    canvas.ripples(480, "f7e8d0")
    canvas.polygon([(250, 560), (820, 552), (772, 626), (296, 626)], "f4f1ea")
    canvas.polygon([(258, 578), (812, 572), (772, 626), (296, 626)], "9c3b2c")
    canvas.box(330, 500, 390, 58, "fbf9f4")
    canvas.box(420, 452, 190, 50, "f4f1ea")
    for number in range(9):
        canvas.box(346 + number * 41, 516, 26, 22, "ffd98a")
    for number in range(5):
        canvas.box(432 + number * 35, 464, 24, 20, "ffe3a6")
    canvas.box(640, 440, 46, 62, "9c3b2c")
    canvas.line([(400, 500), (400, 400)], "5b5249", 3)
    canvas.disc(530, 640, 290, "3c4f5e", 90, squash=0.06)


def market_morning(canvas: Canvas) -> None:
    canvas.gradient(0, 560, ["7fa9c4", "c6dbe2", "f2ead8"])
    canvas.clouds("ffffff", top=60, bottom=240, alpha=150)
    canvas.hills(520, 36, "a9bcae", waves=1.7)
    canvas.box(0, 560, 1200, 240, "cdbfa8")
    canvas.polygon([(100, 330), (600, 170), (1100, 330), (1100, 352), (100, 352)], "b5814f")
    canvas.polygon([(150, 332), (600, 192), (1050, 332)], "c99a66")
    canvas.box(130, 350, 940, 230, "e7dcc6")
    for number in range(9):
        canvas.box(140 + number * 115, 350, 12, 230, "4c5a5e")
    for number in range(8):
        canvas.box(160 + number * 115, 380, 84, 200, "6d7a78", 150)
    for number, color in enumerate(("c9694f", "e0b465", "5f8a86", "c9694f", "8fa6b5", "e0b465")):
        left = 90 + number * 178
        canvas.polygon([(left, 596), (left + 150, 596), (left + 166, 636), (left - 16, 636)], color)
        canvas.box(left - 8, 636, 166, 12, "fbf5e8")
        canvas.box(left, 648, 150, 60, "8a6a4a")
        canvas.box(left - 6, 640, 6, 110, "5a4636")
        canvas.box(left + 150, 640, 6, 110, "5a4636")
    canvas.gradient(752, 800, ["7d9aa6", "5f7f90"])
    canvas.ripples(752, "ffffff", 24)


def school_garden(canvas: Canvas) -> None:
    canvas.gradient(0, 480, ["8fbcd6", "cfe3e6", "f5efdd"])
    canvas.clouds("ffffff", top=60, bottom=220, alpha=160)
    canvas.hills(440, 40, "9db89a", waves=1.5)
    canvas.box(0, 500, 1200, 300, "7f9a5f")
    canvas.box(250, 300, 700, 220, "b65f48")
    canvas.polygon([(225, 300), (290, 225), (910, 225), (975, 300)], "6b4a42")
    canvas.box(552, 170, 96, 350, "a9553f")
    canvas.polygon([(538, 170), (600, 84), (662, 170)], "6b4a42")
    canvas.disc(600, 210, 24, "f4ead2")
    for number in range(10):
        if number not in (4, 5):
            canvas.box(280 + number * 66, 336, 36, 56, "f3e8cc")
            canvas.box(280 + number * 66, 424, 36, 56, "f3e8cc")
    canvas.box(576, 430, 48, 90, "54382f")
    for bed in range(4):
        top, inset = 548 + bed * 62, 90 - bed * 26
        canvas.polygon([(inset, top), (1200 - inset, top), (1216 - inset, top + 40), (inset - 16, top + 40)], "6a4b36")
        for plant in range(22):
            x = inset + 22 + plant * (1156 - 2 * inset) / 21
            canvas.disc(x, top + 12, 15 + bed * 2, ("5f8f43", "79a951", "4d7d3f")[(plant + bed) % 3])
    things.tree(canvas, 130, 520, 190, leaf="6d9455")
    things.tree(canvas, 1080, 520, 210, leaf="638a4e")


def storm(canvas: Canvas) -> None:
    canvas.gradient(0, 560, ["2c3842", "4d5b64", "87939a"])
    canvas.clouds("1d272f", top=0, bottom=260, count=16, alpha=170)
    canvas.polygon([(872, 246), (0, 120), (0, 250)], "f3eac4", 60)
    canvas.glow(880, 246, 130, "fff4cf", 200)
    canvas.polygon([(700, 560), (780, 470), (980, 462), (1200, 520), (1200, 600), (700, 600)], "262f35")
    things.lighthouse(canvas, 880, 474, 200, wall="d9dcd8", band="8f3d33", lamp="fff4cf")
    for level, height, color in ((540, 16, "5b6c75"), (590, 24, "4a5b65"), (650, 34, "3a4b56"), (720, 40, "2c3b46")):
        canvas.hills(level, height, color, waves=3.2)
    canvas.ripples(560, "e7eef0", 90, 60)
    for _drop in range(240):
        x, y = canvas.random.uniform(-80, 1240), canvas.random.uniform(-40, 780)
        canvas.line([(x, y), (x - 12, y + 40)], "dfe7ea", 1, 60)


def evening_field(canvas: Canvas) -> None:
    canvas.gradient(0, 442, ["27405e", "6b6f8f", "d99a78", "f2c592"])
    canvas.hills(410, 34, "3c4a5c", waves=1.6)
    canvas.box(0, 440, 1200, 360, "47733f")
    for stripe in range(8):
        if stripe % 2:
            canvas.polygon(
                [(600 + (stripe - 4) * 90, 440), (600 + (stripe - 3) * 90, 440),
                 (600 + (stripe - 3) * 240, 800), (600 + (stripe - 4) * 240, 800)], "528049",
            )  # fmt: skip
    canvas.line([(140, 470), (1060, 470), (1240, 790), (-40, 790), (140, 470)], "e9efe2", 4, 220)
    canvas.line([(600, 470), (600, 790)], "e9efe2", 4, 220)
    canvas.draw.ellipse((960, 1120, 1440, 1350), outline=(233, 239, 226, 220), width=8)
    canvas.box(360, 352, 480, 92, "2b3442")
    canvas.polygon([(335, 330), (865, 330), (840, 356), (360, 356)], "8f3d33")
    for _head in range(150):
        canvas.disc(canvas.random.uniform(370, 830), canvas.random.uniform(372, 436), 4, "d8c6ae", 200)
    for x, top in ((110, 150), (1090, 150), (285, 220), (915, 220)):
        canvas.line([(x, 460), (x, top)], "20262e", 5)
        canvas.glow(x, top, 150, "fff6d8", 210)
        canvas.box(x - 30, top - 16, 60, 28, "fffbe9")
    canvas.box(36, 540, 8, 110, "f4f4ef")
    canvas.line([(40, 540), (110, 520), (110, 610)], "f4f4ef", 5)


def library_night(canvas: Canvas) -> None:
    canvas.gradient(0, 666, ["101b33", "22335a", "41527a"])
    things.stars(canvas, 330, 130)
    canvas.glow(965, 130, 150, "fff5d6", 110)
    canvas.disc(965, 130, 46, "fbf3da")
    things.row_of_houses(canvas, 650, walls=["1d2740", "232e49"], roof="161e33", lit=0.14, window="e9b96a")
    canvas.box(230, 270, 740, 390, "2e3850")
    canvas.polygon([(200, 272), (600, 150), (1000, 272)], "39445f")
    canvas.box(200, 268, 800, 18, "454f6b")
    for number in range(6):
        left = 276 + number * 114
        if number not in (2, 3):
            canvas.glow(left + 38, 440, 150, "ffcf7d", 70)
        canvas.box(left, 340, 76, 250, "ffd98f")
        canvas.disc(left + 38, 342, 38, "ffd98f")
        for bar in (0.33, 0.66):
            canvas.box(left + 76 * bar, 306, 4, 284, "6b5638")
        for shelf in range(4):
            canvas.box(left, 392 + shelf * 52, 76, 5, "6b5638")
            canvas.box(left + 6, 372 + shelf * 52, 8 + 13 * ((number + shelf) % 4), 20, "a5673f", 190)
    canvas.box(190, 640, 820, 24, "454f6b")
    canvas.gradient(664, 800, ["27304a", "171e31"])
    for number in range(6):
        canvas.polygon(
            [(276 + number * 114, 664), (352 + number * 114, 664), (400 + number * 132 - 60, 800),
             (250 + number * 132 - 60, 800)], "ffcf7d", 26,
        )  # fmt: skip


def bridge(canvas: Canvas) -> None:
    canvas.gradient(0, 480, ["9cc0d0", "d6e4df", "f3ecd6"])
    canvas.hills(400, 50, "a7bd9f", waves=1.3)
    canvas.hills(450, 26, "86a37d", waves=2.2)
    for x, size in ((60, 210), (170, 160), (1050, 180), (1150, 230), (960, 130)):
        things.tree(canvas, x, 500, size, leaf=("6b8f58", "7d9c5c")[size % 20 == 0])
    canvas.gradient(500, 800, ["a8c2bf", "6e949a", "4c7480"])
    canvas.polygon([(0, 470), (1200, 470), (1200, 640), (0, 640)], "b7a68c")
    canvas.polygon([(0, 446), (600, 404), (1200, 446), (1200, 500), (0, 500)], "c9b99f")
    canvas.line([(0, 446), (600, 404), (1200, 446)], "8f7f69", 8)
    for x in (200, 600, 1000):
        wide = 150 if x != 600 else 168
        canvas.draw.pieslice(((x - wide) * 2, 980, (x + wide) * 2, 1640), 180, 360, fill=(116, 150, 154, 255))
        canvas.box(x - wide, 640, 2 * wide, 8, "74969a")
    for x in (20, 400, 800, 1180):
        canvas.polygon([(x - 34, 640), (x, 540), (x + 34, 640)], "a4937a")
    canvas.gradient(640, 800, ["7fa0a2", "4c7480"])
    canvas.ripples(644, "eef4ef", 60)


def loft_lights(canvas: Canvas) -> None:
    canvas.gradient(0, 560, ["2d3a5c", "6a6284", "c98f83", "eebc92"])
    x = 40.0
    for number, width in enumerate((150, 190, 170, 210, 180, 160)):
        top, wall = 250 + 30 * (number % 3), ("5a3d3a", "6b4640", "4c3a40")[number % 3]
        canvas.box(x, top, width, 560 - top, wall)
        canvas.polygon([(x - 8, top), (x + width / 2, top - 120), (x + width + 8, top)], "33292f")
        for row in range(4):
            for column in range(3):
                is_lit = row == 1
                left, up = x + 22 + column * (width - 30) / 3, top + 26 + row * 64
                if up < 520:
                    canvas.box(left, up, 28, 40, "ffd486" if is_lit else "2c2530")
        canvas.glow(x + width / 2, top + 110, 110, "ffc873", 70)
        x += width + 10
    canvas.box(0, 556, 1200, 26, "3a3138")
    mirrored = canvas.image.crop((0, 360 * 2, 2400, 580 * 2)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    canvas.image.paste(mirrored, (0, 582 * 2))
    canvas.box(0, 582, 1200, 218, "27304a", 110)
    canvas.ripples(582, "ffd9a0", 110, 50)


def sandbar(canvas: Canvas) -> None:
    canvas.gradient(0, 340, ["8cc3d9", "cfe6e6", "f1f0e0"])
    canvas.clouds("ffffff", top=50, bottom=190, alpha=150)
    canvas.hills(322, 16, "8fb0a8", waves=1.2)
    canvas.gradient(336, 800, ["6fb6b9", "4fa3ab", "2f8794"])
    canvas.ripples(338, "f4ffff", 80)
    canvas.disc(610, 590, 520, "bfdccb", 150, squash=0.2)
    canvas.disc(600, 586, 470, "ecdcb6", squash=0.17)
    canvas.disc(640, 578, 380, "f5e9c9", squash=0.12)
    for x, y, size in ((300, 590, 62), (420, 566, 54), (520, 606, 70), (640, 560, 48), (730, 596, 66), (880, 576, 56)):
        color = ("6e7478", "858a8c", "5b6266")[int(x) % 3]
        canvas.disc(x, y + size * 0.2, size * 1.05, "c9b88f", 150, squash=0.16)
        canvas.disc(x, y, size, color, squash=0.3)
        canvas.disc(x + size * 0.84, y - size * 0.2, size * 0.26, color)
        canvas.polygon(
            [(x - size * 0.85, y), (x - size * 1.3, y - size * 0.2), (x - size * 1.24, y + size * 0.1)], color
        )
        canvas.disc(x + size * 0.92, y - size * 0.24, size * 0.04, "1f2426")


def fog(canvas: Canvas) -> None:
    canvas.gradient(0, 800, ["c3c9cb", "d9dcdb", "cdd2d2", "aab4b7"])
    canvas.glow(780, 190, 260, "fdfbf2", 170)
    canvas.hills(420, 56, "b9c1c3", waves=1.1)
    canvas.haze(440, 80, "dfe2e1", 210)
    things.sailing_boat(canvas, 800, 500, 70, hull="8d989c", sail="aab3b5", alpha=150)
    canvas.haze(500, 60, "d9dddc", 120)
    things.sailing_boat(canvas, 370, 600, 110, hull="6a777d", sail="909b9f", alpha=210)
    canvas.ripples(520, "f4f6f5", 60, 80)
    canvas.haze(640, 70, "d3d8d8", 110)


def railway(canvas: Canvas) -> None:
    canvas.gradient(0, 340, ["86b5d3", "cbe0e6", "f4efdc"])
    canvas.clouds("ffffff", top=40, bottom=200, alpha=150)
    canvas.gradient(330, 800, ["7fb0bf", "5595ab", "3d7c97"])
    canvas.ripples(336, "ffffff", 70)
    canvas.polygon([(1200, 150), (1040, 190), (900, 280), (720, 360), (520, 450), (260, 560), (0, 640), (0, 800),
                    (1200, 800)], "7f9f68")  # fmt: skip
    canvas.polygon([(1200, 330), (900, 430), (560, 560), (200, 690), (0, 740), (0, 800), (1200, 800)], "6c8f58")
    canvas.polygon([(0, 652), (1200, 300), (1200, 318), (0, 676)], "9a8f80")
    canvas.line([(0, 658), (1200, 306)], "5c5650", 3)
    for wagon in range(3):
        left, right = 360 + wagon * 150, 500 + wagon * 150
        low = [652 - x * 352 / 1200 for x in (left, right)]
        canvas.polygon([(left, low[0] - 52), (right, low[1] - 52), (right, low[1]), (left, low[0])], "2f5f8f")
        canvas.polygon([(left, low[0] - 16), (right, low[1] - 16), (right, low[1] - 8), (left, low[0] - 8)], "f1ead8")
        for number in range(5):
            x = left + 12 + number * 25
            y = 652 - x * 352 / 1200
            canvas.polygon([(x, y - 44), (x + 17, y - 49), (x + 17, y - 28), (x, y - 23)], "dcebf0")
    for x, y, size in ((940, 560, 120), (1060, 640, 150), (760, 690, 110), (1150, 500, 100), (420, 760, 90)):
        things.tree(canvas, x, y, size, leaf="557a48")


def old_boat(canvas: Canvas) -> None:
    canvas.gradient(0, 500, ["7a4a4a", "c9744f", "eda864", "f7d391"])
    canvas.glow(330, 450, 340, "ffe9b0", 200)
    canvas.disc(330, 446, 52, "fff1c9")
    canvas.polygon([(760, 500), (860, 420), (980, 380), (1200, 350), (1200, 510), (760, 510)], "54393d")
    canvas.gradient(500, 800, ["e2a268", "a8635a", "4f3a4c"])
    canvas.path_of_light(330, 500, "fff0c4", 120)
    canvas.ripples(502, "f9d7a2", 80)
    canvas.line([(610, 590), (610, 190)], "3a2723", 9)
    canvas.line([(440, 236), (790, 206)], "3a2723", 7)
    canvas.polygon([(446, 238), (786, 210), (820, 360), (772, 500), (470, 512), (424, 380)], "b8793f")
    for share in (0.28, 0.55, 0.8):
        canvas.line([(446 - 10 * share, 238 + 274 * share), (786 + 10 * share, 210 + 290 * share)], "9a612f", 3, 160)
    canvas.polygon(
        [(370, 530), (330, 490), (350, 600), (440, 642), (770, 642), (860, 596), (900, 480), (850, 530)], "4a2f26"
    )
    for plank in range(3):
        canvas.line([(362, 560 + plank * 24), (600, 582 + plank * 22), (868, 556 + plank * 24)], "6b4634", 3)
    canvas.disc(615, 652, 270, "2c1d22", 110, squash=0.06)


def noon_harbor(canvas: Canvas) -> None:
    canvas.gradient(0, 420, ["5fa3cf", "a9d0e2", "e8f0ea"])
    canvas.clouds("ffffff", top=40, bottom=180, alpha=160)
    canvas.hills(330, 46, "8fae8a", waves=1.5)
    things.row_of_houses(canvas, 440, walls=GABLES, roof="7a4a40", lit=0.8, window="eef3ee")
    canvas.box(0, 438, 1200, 34, "a79a86")
    canvas.gradient(472, 800, ["6fa9b7", "3f86a0", "2b6a88"])
    canvas.ripples(474, "ffffff", 90)
    boats = (
        (190, 560, 84, "c2452f"), (470, 540, 70, "2f6f8f"), (760, 580, 96, "e0a63c"),
        (1040, 552, 80, "3f7d5a"), (330, 690, 120, "f1ece0"), (900, 730, 130, "8f3d33"),
    )  # fmt: skip
    for x, y, size, hull in boats:
        things.fishing_boat(canvas, x, y, size, hull=hull, cabin="fbf7ec")


def town_rows(canvas: Canvas) -> None:
    canvas.gradient(0, 600, ["88b7d6", "cfe2e4", "fbf1da"])
    canvas.glow(200, 160, 280, "fff8df", 150)
    canvas.hills(360, 40, "a3b99b", waves=1.2)
    for step, (level, shade) in enumerate(((430, "8b6a5c"), (540, "7f5547"), (670, "6d4438"))):
        x, number = -20.0, step
        while x < 1220:
            width = canvas.random.uniform(66, 100)
            ground = level + 40 - x * 0.13
            height = canvas.random.uniform(110, 170)
            wall = GABLES[(number + step) % len(GABLES)]
            things.house(canvas, x, ground, width, height, wall=wall, roof=shade, lit=0.75, window="f4efe0")
            canvas.box(x, ground - 2, width + 10, 90, "c9bda6")
            x, number = x + width + 6, number + 1
    canvas.polygon([(0, 712), (1200, 556), (1200, 800), (0, 800)], "c9bda6")
    for row in range(4):
        canvas.line([(0, 732 + row * 24), (1200, 576 + row * 52)], "b3a68e", 2, 160)
    for x in (150, 520, 890):
        y = 716 - x * 0.13
        canvas.line([(x, y + 30), (x, y - 90)], "4a4744", 4)
        canvas.disc(x, y - 96, 10, "f6ecd0")


def sunset_sea(canvas: Canvas) -> None:
    canvas.gradient(0, 430, ["4b5f8e", "9a7f9c", "e79a7f", "f9cf94"])
    canvas.clouds("f3b594", top=120, bottom=330, count=10, alpha=110)
    canvas.glow(600, 410, 360, "fff0c4", 210)
    canvas.disc(600, 412, 64, "fff4d2")
    canvas.gradient(430, 800, ["eba983", "9b7b93", "3d4f7a"])
    canvas.path_of_light(600, 430, "fff2cf", 170)
    canvas.ripples(432, "ffe0bd", 120)
    for number in range(9):
        x, y, size = 60 + number * 132, 520 + number * 22, 9 + number * 2.2
        canvas.disc(x, y + size, size * 1.5, "2d3a5c", 110, squash=0.25)
        canvas.disc(x, y, size, "ef7d35")
        canvas.disc(x - size * 0.3, y - size * 0.3, size * 0.35, "ffc08a")


def starry_hills(canvas: Canvas) -> None:
    canvas.gradient(0, 620, ["0b1433", "16255a", "2f4680", "5c709c"])
    things.stars(canvas, 520, 420)
    canvas.clouds("8fa3d6", top=80, bottom=300, count=6, alpha=26)
    canvas.hills(520, 60, "24345e", waves=1.2)
    canvas.haze(560, 40, "6b7fae", 60)
    canvas.hills(600, 50, "1a274a", waves=1.6)
    canvas.hills(690, 40, "111b36", waves=1.3)
    things.house(canvas, 820, 668, 70, 44, wall="0c142a", roof="080e20", lit=0)
    canvas.glow(855, 645, 90, "ffd27a", 130)
    canvas.box(846, 634, 18, 20, "ffdd94")
    for x in (760, 784, 930, 950):
        things.poplar(canvas, x, 690, 110, leaf="0a1126")


SCENES: dict[str, Callable[[Canvas], None]] = {
    scene.__name__.replace("_", " "): scene
    for scene in (
        dawn_ferry, market_morning, school_garden, storm, evening_field, library_night, bridge, loft_lights, sandbar,
        fog, railway, old_boat, noon_harbor, town_rows, sunset_sea, starry_hills,
    )
}  # fmt: skip


def drawn(name: str) -> bytes:
    """The scene as a JPEG of 1200 x 800. Raises KeyError if there is none of that name."""
    canvas = Canvas(name)
    SCENES[name](canvas)
    return canvas.jpeg()
