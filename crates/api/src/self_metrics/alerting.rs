//! Figures of the alert manager, by Alertmanager's names where they mean the same.

use super::Text;
use crate::alerting::SPOKEN_VERSION;
use crate::app::App;

pub(super) fn alerting(app: &App, text: &mut Text) {
    let s = app.alerting.manager.stats();
    let one = |v: u64| [("", v as f64)];
    let build = format!("{{branch=\"bellrock\",revision=\"{}\",version=\"{}\"}}", app.info.version, SPOKEN_VERSION);
    text.family("alertmanager_build_info", "gauge", "The Alertmanager whose API is spoken.", &[(&build, 1.0)]);
    let mut gauge = |name: &str, help: &str, v: usize| text.family(name, "gauge", help, &[("", v as f64)]);
    gauge("alertmanager_alerts", "Alerts that are held, ended ones included until everybody was told.", s.alerts);
    gauge("alertmanager_dispatcher_aggregation_groups", "Groups of alerts.", s.groups);
    gauge("alertmanager_silences", "Silences, expired ones included.", s.silences);
    gauge("alertmanager_nflog_entries", "Entries of the notification log.", s.log_entries);
    let mut counter = |name: &str, help: &str, v: u64| text.family(name, "counter", help, &one(v));
    counter("alertmanager_alerts_received_total", "Alerts that were taken.", s.received);
    counter("alertmanager_alerts_invalid_total", "Alerts that were refused.", s.refused);
    counter("alertmanager_notifications_total", "Messages that were delivered or given up.", s.delivered + s.failed);
    counter("alertmanager_notifications_failed_total", "Messages that were given up.", s.failed);
    counter("bellrock_notification_retries_total", "Attempts that were repeated.", s.retried);
    counter("bellrock_alert_timeline_lost_total", "Events that the timeline had no room for.", s.timeline_lost);
    text.family("bellrock_metastore_bytes", "gauge", "Bytes of the metadata file.", &one(app.metastore.bytes()));
}
