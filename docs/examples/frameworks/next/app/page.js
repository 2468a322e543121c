/** Made anew for each request, so that it names the worker that made it. */
export const dynamic = "force-dynamic";

export default function Page() {
  return <p>{`Hello from Next.js in worker ${process.pid}, open: ${globalThis.life.isOpen}`}</p>;
}
