//! The section `global`: what channels have in common when they say nothing themselves.

use std::path::{Path, PathBuf};

use net::tls::TlsConfig;
use net::{HttpConfig, Secret};
use serde::Deserialize;
use yaml::{Findings, Node};

use super::building::at_base;

/// Everything optional; the defaults are Alertmanager's.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Global {
    pub resolve_timeout: Option<String>,
    pub http_config: Option<HttpConfig>,
    pub smtp_from: String,
    pub smtp_smarthost: String,
    pub smtp_hello: String,
    pub smtp_auth_username: String,
    pub smtp_auth_password: Option<Secret>,
    pub smtp_auth_password_file: Option<PathBuf>,
    pub smtp_auth_secret: Option<Secret>,
    pub smtp_auth_secret_file: Option<PathBuf>,
    pub smtp_auth_identity: String,
    pub smtp_require_tls: bool,
    pub smtp_tls_config: Option<TlsConfig>,
    pub smtp_force_implicit_tls: Option<bool>,
    pub slack_api_url: Option<Secret>,
    pub slack_api_url_file: Option<PathBuf>,
    pub slack_app_token: Option<Secret>,
    pub slack_app_token_file: Option<PathBuf>,
    pub slack_app_url: Option<Secret>,
    pub pagerduty_url: Option<Secret>,
    pub opsgenie_api_key: Option<Secret>,
    pub opsgenie_api_key_file: Option<PathBuf>,
    pub opsgenie_api_url: Option<Secret>,
    pub telegram_api_url: Option<Secret>,
    pub telegram_bot_token: Option<Secret>,
    pub telegram_bot_token_file: Option<PathBuf>,
    pub mattermost_webhook_url: Option<Secret>,
    pub mattermost_webhook_url_file: Option<PathBuf>,
    // Of channels that there are not yet: read, so that a file that has them loads.
    pub jira_api_url: Option<Secret>,
    pub victorops_api_key: Option<Secret>,
    pub victorops_api_key_file: Option<PathBuf>,
    pub victorops_api_url: Option<Secret>,
    pub rocketchat_api_url: Option<Secret>,
    pub rocketchat_token: Option<Secret>,
    pub rocketchat_token_file: Option<PathBuf>,
    pub rocketchat_token_id: Option<Secret>,
    pub rocketchat_token_id_file: Option<PathBuf>,
    pub wechat_api_url: Option<Secret>,
    pub wechat_api_secret: Option<Secret>,
    pub wechat_api_secret_file: Option<PathBuf>,
    pub wechat_api_corp_id: String,
    pub webex_api_url: Option<Secret>,
}

impl Default for Global {
    fn default() -> Self {
        Self {
            resolve_timeout: None,
            http_config: None,
            smtp_from: String::new(),
            smtp_smarthost: String::new(),
            smtp_hello: "localhost".into(),
            smtp_auth_username: String::new(),
            smtp_auth_password: None,
            smtp_auth_password_file: None,
            smtp_auth_secret: None,
            smtp_auth_secret_file: None,
            smtp_auth_identity: String::new(),
            smtp_require_tls: true,
            smtp_tls_config: None,
            smtp_force_implicit_tls: None,
            slack_api_url: None,
            slack_api_url_file: None,
            slack_app_token: None,
            slack_app_token_file: None,
            slack_app_url: Some(Secret::new("https://slack.com/api/chat.postMessage")),
            pagerduty_url: Some(Secret::new("https://events.pagerduty.com/v2/enqueue")),
            opsgenie_api_key: None,
            opsgenie_api_key_file: None,
            opsgenie_api_url: Some(Secret::new("https://api.opsgenie.com/")),
            telegram_api_url: Some(Secret::new("https://api.telegram.org")),
            telegram_bot_token: None,
            telegram_bot_token_file: None,
            mattermost_webhook_url: None,
            mattermost_webhook_url_file: None,
            jira_api_url: None,
            victorops_api_key: None,
            victorops_api_key_file: None,
            victorops_api_url: None,
            rocketchat_api_url: None,
            rocketchat_token: None,
            rocketchat_token_file: None,
            rocketchat_token_id: None,
            rocketchat_token_id_file: None,
            wechat_api_url: None,
            wechat_api_secret: None,
            wechat_api_secret_file: None,
            wechat_api_corp_id: String::new(),
            webex_api_url: None,
        }
    }
}

impl Global {
    pub(super) fn read(node: Option<&Node>, base: &Path, findings: &mut Findings) -> Self {
        let Some(node) = node else { return Self::default() };
        let mut global: Self = node.read("global", findings).unwrap_or_default();
        for file in [
            &mut global.smtp_auth_password_file,
            &mut global.smtp_auth_secret_file,
            &mut global.slack_api_url_file,
            &mut global.slack_app_token_file,
            &mut global.opsgenie_api_key_file,
            &mut global.telegram_bot_token_file,
            &mut global.mattermost_webhook_url_file,
        ] {
            at_base(file, base);
        }
        if let Some(http) = &mut global.http_config {
            http.set_directory(base);
            for error in http.check() {
                let place = node.value_place("http_config");
                findings.error(place, format!("global.http_config.{}", error.field), error.message, "");
            }
        }
        if let Some(tls) = &mut global.smtp_tls_config {
            tls.set_directory(base);
        }
        global
    }
}
