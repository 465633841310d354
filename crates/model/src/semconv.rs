//! Names from the OpenTelemetry semantic conventions that the product itself looks at.

/// The logical name of a service.
pub const SERVICE_NAME: &str = "service.name";
/// The group that services belong to.
pub const SERVICE_NAMESPACE: &str = "service.namespace";
/// Which instance of the service.
pub const SERVICE_INSTANCE_ID: &str = "service.instance.id";
/// What stands in for a missing `service.name` (SDK specification, "Resource creation").
pub const UNKNOWN_SERVICE: &str = "unknown_service";
