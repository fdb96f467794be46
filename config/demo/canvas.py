"""A small paint box for the demo's pictures: layers of sky, hills and water. The same name draws the same."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from io import BytesIO

from PIL import Image, ImageDraw, ImageFilter

Color = tuple[int, int, int]
WIDTH, HEIGHT = 1200, 800
SCALE = 2  # drawn twice as large and reduced, which smooths the edges


def rgb(code: str) -> Color:
    return int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)


def mixed(one: str, other: str, share: float) -> Color:
    """``share`` of the other color: 0 is all one, 1 all other."""
    first, second = rgb(one), rgb(other)
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


class Canvas:
    """Coordinates are in units of a picture 1200 wide and 800 high, with y downwards."""

    def __init__(self, name: str) -> None:
        self.random = random.Random(name)  # noqa: S311 - for the shape of hills
        self.image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE))
        self.draw = ImageDraw.Draw(self.image, "RGBA")

    def jpeg(self) -> bytes:
        file = BytesIO()
        self.image.reduce(SCALE).save(file, "JPEG", quality=84, optimize=True, progressive=True)
        return file.getvalue()

    def gradient(self, top: float, bottom: float, colors: Sequence[str]) -> None:
        """From the first color at ``top`` through the others to the last at ``bottom``."""
        strip = Image.new("RGB", (1, 64))
        for y in range(64):
            place = y / 63 * (len(colors) - 1)
            index = min(int(place), len(colors) - 2)
            strip.putpixel((0, y), mixed(colors[index], colors[index + 1], place - index))
        size = (WIDTH * SCALE, round((bottom - top) * SCALE))
        self.image.paste(strip.resize(size, Image.Resampling.BICUBIC), (0, round(top * SCALE)))

    def polygon(self, points: Sequence[tuple[float, float]], color: str, alpha: int = 255) -> None:
        self.draw.polygon([(x * SCALE, y * SCALE) for x, y in points], fill=(*rgb(color), alpha))

    def box(self, x: float, y: float, width: float, height: float, color: str, alpha: int = 255) -> None:
        self.draw.rectangle(
            (x * SCALE, y * SCALE, (x + width) * SCALE, (y + height) * SCALE), fill=(*rgb(color), alpha)
        )

    def disc(self, x: float, y: float, radius: float, color: str, alpha: int = 255, *, squash: float = 1) -> None:
        high = radius * squash
        box = ((x - radius) * SCALE, (y - high) * SCALE, (x + radius) * SCALE, (y + high) * SCALE)
        self.draw.ellipse(box, fill=(*rgb(color), alpha))

    def line(self, points: Sequence[tuple[float, float]], color: str, width: float = 2, alpha: int = 255) -> None:
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        self.draw.line(scaled, fill=(*rgb(color), alpha), width=round(width * SCALE), joint="curve")

    def glow(self, x: float, y: float, radius: float, color: str, strength: int = 110) -> None:
        """Light around a lamp or the sun, fading outwards."""
        side = 128
        mask = (
            Image.radial_gradient("L").resize((side, side)).point(lambda value: max(0, 1 - value / 181) ** 2 * strength)
        )
        size = round(2 * radius * SCALE)
        mask = mask.resize((size, size), Image.Resampling.BICUBIC)
        self.image.paste(rgb(color), (round((x - radius) * SCALE), round((y - radius) * SCALE)), mask)

    def hills(self, level: float, height: float, color: str, *, waves: float = 2.0) -> None:
        """A rolling skyline around ``level``, filled to the bottom of the picture."""
        phases = [(self.random.uniform(0, math.tau), waves * factor, 1 / factor) for factor in (1, 2.1, 4.3)]
        points = []
        for x in range(0, WIDTH + 13, 12):
            swing = sum(share * math.sin(phase + x / WIDTH * math.tau * count) for phase, count, share in phases)
            points.append((float(x), level - height * swing / 1.7))
        self.polygon([(0, HEIGHT), *points, (WIDTH + 12, HEIGHT)], color)

    def ripples(self, top: float, color: str, count: int = 70, alpha: int = 46) -> None:
        """Short bright strokes on water, longer and farther apart towards the viewer."""
        for _stroke in range(count):
            depth = self.random.random() ** 1.5
            y, x = top + 8 + depth * (HEIGHT - top), self.random.uniform(-60, WIDTH)
            length = 24 + 150 * depth * self.random.random()
            self.disc(x + length / 2, y, length / 2, color, alpha, squash=3 / (length + 12))

    def path_of_light(self, x: float, top: float, color: str, spread: float = 90) -> None:
        """The sun or the moon on the water, straight below it."""
        for step in range(46):
            depth = step / 45
            y = top + 6 + depth * (HEIGHT - top)
            half = (10 + spread * depth) * self.random.uniform(0.45, 1.1)
            self.disc(x + self.random.uniform(-18, 18) * depth, y, half, color, 80, squash=2.6 / half)

    def haze(self, level: float, depth: float, color: str, alpha: int = 120) -> None:
        """Mist that is densest at ``level``."""
        mask = Image.new("L", (1, HEIGHT))
        for y in range(HEIGHT):
            mask.putpixel((0, y), round(alpha * math.exp(-(((y - level) / depth) ** 2))))
        mask = mask.resize(self.image.size, Image.Resampling.BILINEAR)
        self.image.paste(rgb(color), (0, 0), mask)

    def clouds(self, color: str, *, top: float, bottom: float, count: int = 9, alpha: int = 90) -> None:
        """Soft banks of cloud."""
        small = Image.new("L", (WIDTH // 4, HEIGHT // 4))
        draw = ImageDraw.Draw(small)
        for _bank in range(count):
            x, y = self.random.uniform(0, WIDTH) / 4, self.random.uniform(top, bottom) / 4
            half, high = self.random.uniform(24, 70), self.random.uniform(3, 9)
            draw.ellipse((x - half, y - high, x + half, y + high), fill=alpha)
        mask = small.filter(ImageFilter.GaussianBlur(5)).resize(self.image.size, Image.Resampling.BICUBIC)
        self.image.paste(rgb(color), (0, 0), mask)
