// An address that leads nowhere.
import { Link } from "@tanstack/react-router";
import { Empty } from "../components/States.tsx";

export function NotFound() {
  return (
    <Empty reason="none" title="There is no page at this address">
      <Link to="/services" className="button">
        Services
      </Link>
    </Empty>
  );
}
