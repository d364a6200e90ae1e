# Kora's image: Node 24, only production dependencies, argon2 compiled for the processor it runs on
# (2-3 times faster than the portable binary), an unprivileged user, no shell scripts at start.
FROM node:24-bookworm AS dependencies
WORKDIR /app
# -march of the oldest machine that runs the image; every server since 2015 has x86-64-v3 (AVX2)
ARG CFLAGS="-O3 -march=x86-64-v3"
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts \
 && cd node_modules/argon2 \
 && CFLAGS="$CFLAGS" CXXFLAGS="$CFLAGS" npx --yes node-gyp@11 rebuild --release \
 && rm -rf prebuilds && find build/Release -type f ! -name '*.node' -delete

FROM node:24-bookworm-slim
ENV NODE_ENV=production \
    PORT=3000 \
    HOST=0.0.0.0
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY src ./src
COPY migrations ./migrations
COPY views ./views
USER node
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/healthz').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
CMD ["node", "src/start.cjs"]
