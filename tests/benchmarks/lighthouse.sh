#!/bin/sh
# Lighthouse on the front page and an article, as on a phone and at a desk: every category must reach 100.
#   make lighthouse [URL=http://localhost:8000]
# The site must be running (make run). The reports stay in LIGHTHOUSE_DIR (var/lighthouse).
set -eu

version=12.8.2
site=${1:-http://localhost:8000}
reports=${LIGHTHOUSE_DIR:-var/lighthouse}

command -v npx >/dev/null || { echo "Lighthouse needs Node 18.20 or newer with npx: install nodejs and npm." >&2; exit 2; }
for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome-stable google-chrome; do
  [ -n "$name" ] && CHROME_PATH=$(command -v "$name") && break
done
[ -n "${CHROME_PATH:-}" ] || { echo "Lighthouse needs a browser: install chromium, or set CHROMIUM to its path." >&2; exit 2; }
export CHROME_PATH
front=$(curl -fsS "$site/") || { echo "Nothing answers at $site: start the site with 'make run', or say where it is: make lighthouse URL=…" >&2; exit 2; }
article=$(printf '%s' "$front" | grep -o 'href="/articles/[^"]*"' | head -n 1 | cut -d '"' -f 2)
[ -n "$article" ] || { echo "The front page of $site has no article: fill it with 'manage.py demo'." >&2; exit 2; }

mkdir -p "$reports"
status=0
for page in / "$article"; do
  for device in phone desk; do
    case $page in /) name=front ;; *) name=article ;; esac
    file=$reports/$name-$device
    [ "$device" = desk ] && preset=--preset=desktop || preset=--form-factor=mobile
    npx --yes "lighthouse@$version" "$site$page" $preset --quiet --output=json --output=html --output-path="$file" \
      --chrome-flags="--headless=new --no-sandbox --disable-gpu --disable-background-networking"
    node -e '
      const report = JSON.parse(require("fs").readFileSync(process.argv[1]));
      const scores = Object.values(report.categories).map((each) => [each.title, Math.round(each.score * 100)]);
      console.log(process.argv[2].padEnd(16), scores.map(([title, score]) => `${title} ${score}`).join("  "));
      for (const [category, { auditRefs }] of Object.entries(report.categories))
        for (const { id, weight } of auditRefs) {
          const audit = report.audits[id];
          if (weight && audit.score !== null && audit.score < 0.9) console.log(`  ${category}: ${audit.title} ${audit.displayValue ?? ""}`);
        }
      process.exit(scores.every(([, score]) => score === 100) ? 0 : 1);
    ' "$file.report.json" "$name, $device" || status=1
  done
done
exit $status
