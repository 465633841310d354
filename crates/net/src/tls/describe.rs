//! What a failed handshake means, and what helps.

use rustls::{AlertDescription, CertificateError, Error};

/// One sentence for people who configure, in the field names of `tls_config` and of the collector's `tls`.
pub fn describe(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "the certificate is signed by an authority that is not trusted here: name it in ca_file".into()
        }
        Error::InvalidCertificate(CertificateError::NotValidForName) => not_for_name(""),
        Error::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. }) => {
            not_for_name(&format!(", it is for {}", presented.join(", ")))
        }
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "the certificate has expired".into()
        }
        Error::InvalidCertificate(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => {
            "the certificate is not valid yet: is the clock of one side wrong?".into()
        }
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the other side wants a client certificate: set cert_file and key_file".into()
        }
        Error::AlertReceived(AlertDescription::UnknownCA | AlertDescription::BadCertificate) => {
            "the other side does not take our client certificate".into()
        }
        Error::AlertReceived(AlertDescription::ProtocolVersion) | Error::PeerIncompatible(_) => {
            format!("no version or cipher in common: {error}")
        }
        Error::InvalidMessage(_) => "what came is not TLS: does this port speak without TLS?".into(),
        other => other.to_string(),
    }
}

fn not_for_name(names: &str) -> String {
    format!("the certificate is for another name{names}: set server_name")
}
