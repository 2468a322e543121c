/** What the servers of the comparison are asked for. */

/** What a browser sends, and a cookie. */
export const BROWSER = [
  "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  "Accept-Encoding: gzip, deflate, br, zstd",
  "Accept-Language: en-US,en;q=0.9,de;q=0.8",
  "Cache-Control: max-age=0",
  'Sec-Ch-Ua: "Chromium";v="130", "Google Chrome";v="130"',
  "Sec-Ch-Ua-Mobile: ?0",
  'Sec-Ch-Ua-Platform: "Linux"',
  "Sec-Fetch-Dest: document",
  "Sec-Fetch-Mode: navigate",
  "Sec-Fetch-Site: none",
  "Upgrade-Insecure-Requests: 1",
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
  "Cookie: session=abcdef0123456789abcdef0123456789; theme=dark; _ga=GA1.2.1234567890.1234567890",
];

const JSON_BODY = JSON.stringify({ items: Array.from({ length: 30 }, (_, id) => ({ id, name: `item number ${id}` })) });

/**
 * @typedef {object} Workload
 * @property {string} title
 * @property {number} workers of those servers that have workers
 * @property {{ connections: number, closes?: boolean, headers?: readonly string[], body?: string, isVaried?: boolean }} load
 * @property {boolean} [isReloaded] once in each round
 */

/** @type {Readonly<Record<string, Workload>>} */
export const WORKLOADS = {
  hello: { title: "hello on kept connections", workers: 1, load: { connections: 64 } },
  browser: { title: "12 browser headers and a cookie", workers: 1, load: { connections: 64, headers: BROWSER } },
  varied: {
    title: "browser headers, another path and cookie each",
    workers: 1,
    load: { connections: 64, headers: BROWSER, isVaried: true },
  },
  json: { title: "JSON POST of 1 KB", workers: 1, load: { connections: 64, body: JSON_BODY } },
  large: { title: "64 KB reply", workers: 1, load: { connections: 64 } },
  stream: { title: "streamed reply in 16 chunks", workers: 1, load: { connections: 64 } },
  crowd: { title: "hello on 1,000 connections", workers: 1, load: { connections: 1000 } },
  fresh: { title: "a fresh connection each, 4 workers", workers: 4, load: { connections: 64, closes: true } },
  reload: { title: "hello while reloading, 2 workers", workers: 2, load: { connections: 64 }, isReloaded: true },
};
