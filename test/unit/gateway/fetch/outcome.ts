/** Runs one operation on two implementations and says what came of it, so that the two can be compared. */

/** What an operation gave, or the class of the error that it threw or rejected with. */
export async function outcome(
  operation: () => unknown,
): Promise<{ readonly value: unknown } | { readonly error: string }> {
  try {
    return { value: await operation() };
  } catch (error) {
    return { error: (error as Error).constructor.name };
  }
}

/** What a Response shows without its body being read. */
export function shown(response: Response): Record<string, unknown> {
  const { status, statusText, ok, type, url, redirected, bodyUsed } = response;
  return { status, statusText, ok, type, url, redirected, bodyUsed, headers: [...response.headers] };
}

/** Each of the ways to read a whole body; bytes as a list, so that they compare by value. */
export const READS = {
  text: (body) => body.text(),
  json: (body) => body.json(),
  arrayBuffer: async (body) => [...new Uint8Array(await body.arrayBuffer())],
  bytes: async (body) => [...(await (body as unknown as { bytes(): Promise<Uint8Array> }).bytes())],
  blob: async (body) => {
    const blob = await body.blob();
    return [blob.type, blob.size, await blob.text()];
  },
  formData: async (body) => [...(await body.formData())],
  stream: async (body) => {
    const chunks: Buffer[] = [];
    for await (const chunk of body.body ?? []) chunks.push(Buffer.from(chunk as Uint8Array));
    return Buffer.concat(chunks).toString();
  },
  clone: (body) => body.clone().text(),
  look: (body) => [body.bodyUsed, body.body === null],
  locked: (body) => [body.bodyUsed, body.body?.locked],
  cancel: (body) => body.body?.cancel(),
} satisfies Record<string, (body: Request | Response) => unknown>;
