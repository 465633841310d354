//! How a component type is known: its names, its signals, how it is built.

use model::Signal;

use super::{Connector, Exporter, Extension, Receiver, Refused, Setup, Step};

/// Every signal.
pub const SIGNALS: &[Signal] = &Signal::ALL;

/// Whether `name` is one of `names`, whatever the underscores.
fn is_one_of(names: &[&str], name: &str) -> bool {
    let squeezed = |text: &str| text.replace('_', "").to_ascii_lowercase();
    names.iter().any(|known| squeezed(known) == squeezed(name))
}

macro_rules! factories {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name {
            /// The type name of today first, then those of yesterday.
            pub names: &'static [&'static str],
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl $name {
            /// Whether a file that says `name` means this type.
            pub fn is(&self, name: &str) -> bool {
                is_one_of(self.names, name)
            }
        }
    )*};
}

factories! {
    /// A type of receivers. One is built for all pipelines that name it.
    ReceiverFactory {
        /// What it can receive.
        signals: &'static [Signal],
        /// Reads and checks the settings.
        build: fn(&mut Setup<'_>) -> Result<Box<dyn Receiver>, Refused>,
    }

    /// A type of processors. One is built for every pipeline that names it.
    ProcessorFactory {
        /// What it can process.
        signals: &'static [Signal],
        /// Reads and checks the settings; the signal is that of the pipeline.
        build: fn(&mut Setup<'_>, Signal) -> Result<Step, Refused>,
    }

    /// A type of exporters. One is built for all pipelines that name it.
    ExporterFactory {
        /// What it can export.
        signals: &'static [Signal],
        /// Reads and checks the settings.
        build: fn(&mut Setup<'_>) -> Result<Box<dyn Exporter>, Refused>,
    }

    /// A type of connectors. One is built for all pipelines that name it.
    ConnectorFactory {
        /// What it makes of what: exported to it, received from it.
        routes: &'static [(Signal, Signal)],
        /// Reads and checks the settings.
        build: fn(&mut Setup<'_>) -> Result<Box<dyn Connector>, Refused>,
    }

    /// A type of extensions.
    ExtensionFactory {
        /// Reads and checks the settings.
        build: fn(&mut Setup<'_>) -> Result<Box<dyn Extension>, Refused>,
    }
}
