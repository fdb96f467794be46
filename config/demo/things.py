"""What stands in the demo's pictures: houses, boats, trees, a lighthouse."""

from __future__ import annotations

from config.demo.canvas import Canvas


def house(
    canvas: Canvas, x: float, y: float, width: float, height: float, *, wall: str, roof: str,
    window: str = "f6e7c1", lit: float = 1.0,
) -> None:  # fmt: skip
    """A gabled house whose ground is at ``y``; ``lit`` is the share of its windows with light."""
    canvas.box(x, y - height, width, height, wall)
    rise = width * 0.62
    canvas.polygon([(x - 6, y - height), (x + width / 2, y - height - rise), (x + width + 6, y - height)], roof)
    columns, rows = max(1, int(width // 34)), max(1, int(height // 46))
    for row in range(rows):
        for column in range(columns):
            left = x + (column + 0.5) * width / columns - 8
            top = y - height + 14 + row * 46
            is_lit = canvas.random.random() < lit
            canvas.box(left, top, 16, 24, window if is_lit else roof, 255 if is_lit else 120)


def row_of_houses(
    canvas: Canvas, y: float, *, walls: list[str], roof: str, start: float = -10, end: float = 1210,
    width: tuple[float, float] = (64, 104), height: tuple[float, float] = (90, 170), lit: float = 0.4,
    window: str = "f6e7c1",
) -> None:  # fmt: skip
    x = start
    while x < end:
        wide = canvas.random.uniform(*width)
        wall = walls[canvas.random.randrange(len(walls))]
        house(canvas, x, y, wide, canvas.random.uniform(*height), wall=wall, roof=roof, lit=lit, window=window)
        x += wide + canvas.random.uniform(0, 8)


def sailing_boat(canvas: Canvas, x: float, y: float, size: float, *, hull: str, sail: str, alpha: int = 255) -> None:
    """``y`` is the waterline, ``size`` half the length of the hull."""
    canvas.polygon(
        [(x - size, y - size * 0.24), (x + size * 1.05, y - size * 0.3), (x + size * 0.7, y), (x - size * 0.75, y)],
        hull,
        alpha,
    )
    canvas.line([(x, y - size * 0.2), (x, y - size * 2.1)], hull, 3, alpha)
    canvas.polygon([(x + 4, y - size * 2.0), (x + size * 0.95, y - size * 0.42), (x + 4, y - size * 0.42)], sail, alpha)
    canvas.polygon([(x - 4, y - size * 1.85), (x - size * 0.7, y - size * 0.42), (x - 4, y - size * 0.42)], sail, alpha)
    canvas.disc(x, y + size * 0.1, size * 0.85, hull, alpha // 5, squash=0.1)


def fishing_boat(canvas: Canvas, x: float, y: float, size: float, *, hull: str, cabin: str) -> None:
    canvas.polygon(
        [(x - size, y - size * 0.3), (x + size * 1.1, y - size * 0.42), (x + size * 0.8, y), (x - size * 0.85, y)], hull
    )
    canvas.box(x - size * 0.55, y - size * 0.82, size * 0.6, size * 0.5, cabin)
    canvas.box(x - size * 0.45, y - size * 0.72, size * 0.16, size * 0.18, "34495a")
    canvas.box(x - size * 0.2, y - size * 0.72, size * 0.16, size * 0.18, "34495a")
    canvas.line([(x + size * 0.35, y - size * 0.36), (x + size * 0.35, y - size * 1.35)], "54483f", 3)
    canvas.line([(x + size * 0.35, y - size * 1.3), (x + size * 1.0, y - size * 0.4)], "54483f", 1.5)
    canvas.disc(x, y + size * 0.1, size * 0.95, hull, 60, squash=0.1)


def lighthouse(canvas: Canvas, x: float, y: float, height: float, *, wall: str, band: str, lamp: str) -> None:
    width = height * 0.22
    canvas.polygon(
        [(x - width / 2, y), (x - width / 3, y - height), (x + width / 3, y - height), (x + width / 2, y)], wall
    )
    for share in (0.2, 0.58):
        top, low = y - height * (share + 0.18), y - height * share
        near, far = width * (0.5 - share / 6), width * (0.5 - (share + 0.18) / 6)
        canvas.polygon([(x - near, low), (x - far, top), (x + far, top), (x + near, low)], band)
    canvas.box(x - width * 0.42, y - height - 5, width * 0.84, 6, band)
    canvas.box(x - width * 0.24, y - height * 1.13, width * 0.48, height * 0.12, lamp)
    canvas.polygon(
        [(x - width * 0.34, y - height * 1.13), (x, y - height * 1.24), (x + width * 0.34, y - height * 1.13)], band
    )


def tree(canvas: Canvas, x: float, y: float, size: float, *, leaf: str, trunk: str = "5a4636") -> None:
    canvas.box(x - size * 0.06, y - size * 0.6, size * 0.12, size * 0.6, trunk)
    for side, up, share in ((-0.22, 0.72, 0.34), (0.24, 0.76, 0.32), (0.0, 1.0, 0.4)):
        canvas.disc(x + size * side, y - size * up, size * share, leaf)


def poplar(canvas: Canvas, x: float, y: float, size: float, *, leaf: str) -> None:
    canvas.disc(x, y - size * 0.55, size * 0.14, leaf, squash=3.6)


def stars(canvas: Canvas, bottom: float, count: int = 240) -> None:
    for _star in range(count):
        x, y = canvas.random.uniform(0, 1200), canvas.random.uniform(0, bottom)
        radius = 0.7 + 1.4 * canvas.random.random() ** 3
        canvas.disc(x, y, radius, "fff8e6", canvas.random.randrange(90, 240))
