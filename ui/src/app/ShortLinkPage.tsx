// `/s/<code>`: looks the code up and goes to what it stands for, in place of itself.
import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useRouter } from "@tanstack/react-router";
import { useEffect } from "react";
import { ApiError } from "../api/client.ts";
import { fetchLink } from "../api/views.ts";
import { Empty, ErrorBox, Skeleton } from "../components/States.tsx";

export function ShortLinkPage() {
  const { code = "" } = useParams({ strict: false });
  const router = useRouter();
  const link = useQuery({ queryKey: ["link", code], queryFn: ({ signal }) => fetchLink(code, signal), retry: false });
  useEffect(() => {
    // Only addresses of this instance are followed.
    if (link.data?.startsWith("/") && !link.data.startsWith("//")) {
      router.history.replace(router.basepath.replace(/\/$/, "") + link.data);
    }
  }, [link.data, router]);
  if (link.error instanceof ApiError && link.error.facts.status === 404) {
    return (
      <Empty reason="none" title="This short link leads nowhere">
        <p>
          <code>{code}</code> is not known to this server: it may have been made by another one.
        </p>
        <Link to="/" className="button">
          Home
        </Link>
      </Empty>
    );
  }
  return link.error ? <ErrorBox error={link.error} onRetry={() => void link.refetch()} /> : <Skeleton />;
}
