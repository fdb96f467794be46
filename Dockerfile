# One image for web, worker and beat; compose.yaml says which command each runs.
FROM python:3.13-slim AS packages
WORKDIR /app
RUN pip install --no-cache-dir 'uv>=0.13,<0.14'
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON=/usr/local/bin/python3.13 UV_PYTHON_DOWNLOADS=never
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev

FROM python:3.13-slim
WORKDIR /app
COPY --from=packages /app/.venv .venv
COPY . .
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=config.settings DATA_DIR=/data
# Static files belong to the image, so that a new one brings its own; only the pictures in /data/media are kept.
# The key is for this step alone: the real one comes from the environment.
RUN useradd --uid 1000 --home-dir /app --no-create-home broadsheet \
    && SECRET_KEY=only-to-collect-static-files python manage.py collectstatic --noinput --verbosity 0 \
    && install -d -o broadsheet -g broadsheet /data /data/media /data/media-private
USER broadsheet
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--no-ws", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", \
     "--blocking-threads", "4", "--workers-kill-timeout", "10", "--log-level", "warning", "config.wsgi:application"]
