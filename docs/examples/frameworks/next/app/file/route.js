import { openAsBlob } from "node:fs";
import path from "node:path";

export const dynamic = "force-dynamic";

export async function GET() {
  return new Response(await openAsBlob(path.join(process.cwd(), "file.txt"), { type: "text/plain" }));
}
