"""Makes PromQL queries over the shop's series: every template once with each of its variants, and random ones.

Left out is what Prometheus 2.42 does not know, or does otherwise than Prometheus 3 without it being a mistake.
"""

import itertools
import random

GAUGES = (
    "shop_memory_bytes",
    "shop_queue_depth",
    "shop_temperature_celsius",
    "shop_start_time_seconds",
    "up",
    "shop_job_progress",
)
COUNTERS = (
    "shop_requests_total",
    "shop_cpu_seconds_total",
    "shop_request_duration_seconds_count",
    "shop_request_duration_seconds_sum",
    "shop_request_duration_seconds_bucket",
)
OVER_TIME = ("avg", "min", "max", "sum", "count", "stddev", "stdvar", "last", "present")
OF_COUNTERS = ("rate", "increase", "irate", "resets", "changes", "delta", "idelta", "deriv")
MATH = ("abs", "ceil", "floor", "exp", "ln", "log2", "log10", "sqrt", "sgn", "round", "deg", "rad")
TRIGONOMETRY = ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh")
CALENDAR = ("minute", "hour", "day_of_month", "day_of_week", "day_of_year", "days_in_month", "month", "year")
AGGREGATIONS = ("sum", "avg", "min", "max", "count", "stddev", "stdvar", "group")
ARITHMETIC = ("+", "-", "*", "/", "%", "^")
COMPARISONS = ("==", "!=", "<", ">", "<=", ">=")
RANGES = ("1m", "5m", "10m")

# {name} stands for each of its variants in turn.
VARIANTS = {
    "over_time": OVER_TIME,
    "counter_function": OF_COUNTERS,
    "math": MATH,
    "trigonometry": TRIGONOMETRY,
    "calendar": CALENDAR,
    "aggregation": AGGREGATIONS,
    "arithmetic": ARITHMETIC,
    "comparison": COMPARISONS,
    "range": RANGES,
    "offset": ("1m", "-1m", "7m"),
    "quantile": ("-0.5", "0", "0.1", "0.5", "0.95", "1", "1.5"),
    "grouping": ("", "by(job)", "by(instance,status)", "without(instance)", "without()", "by()"),
    "match": ('job="shop"', 'job!="shop"', 'path=~"/.+"', 'path!~"/|/cart"', 'absent_label=""', 'status=~"4..|5.."'),
}

TEMPLATES = (
    "42",
    "-1.5e3",
    "0x1f",
    "NaN",
    "1/0",
    "time()",
    "vector(time())",
    "pi()",
    "-up",
    "shop_special_values",
    "shop_constant",
    '{{__name__="up"}}',
    '{{__name__=~"shop_(queue_depth|temp.*)"}}',
    "shop_requests_total{{{match}}}",
    "shop_queue_depth offset {offset}",
    "shop_requests_total @ {end}",
    "rate(shop_requests_total[5m] @ start())",
    "shop_memory_bytes @ end() offset 1m",
    "{over_time}_over_time(shop_temperature_celsius[{range}])",
    "{over_time}_over_time(shop_queue_depth[{range}] offset 2m)",
    "quantile_over_time({quantile}, shop_memory_bytes[{range}])",
    "{counter_function}(shop_requests_total[{range}])",
    "{counter_function}(shop_cpu_seconds_total[{range}])",
    "predict_linear(shop_temperature_celsius[{range}], 600)",
    "absent(shop_none)",
    "absent(up)",
    "absent_over_time(shop_none[5m])",
    'absent_over_time(shop_queue_depth{{queue="mail"}}[1m])',
    "{math}(shop_temperature_celsius)",
    "{trigonometry}(shop_temperature_celsius / 40)",
    "{calendar}(shop_start_time_seconds)",
    "{calendar}()",
    "timestamp(shop_queue_depth)",
    "clamp(shop_queue_depth, 0, 20)",
    "clamp_min(shop_queue_depth, 5)",
    "clamp_max(shop_queue_depth, 5)",
    "round(shop_memory_bytes, 1000)",
    "scalar(shop_none)",
    'scalar(shop_queue_depth{{instance="a:9100"}})',
    "sort(shop_temperature_celsius)",
    "sort_desc(shop_temperature_celsius)",
    '{aggregation} {grouping} (shop_requests_total)',
    "{aggregation}(shop_none)",
    "quantile({quantile}, shop_temperature_celsius)",
    "quantile by(job)({quantile}, rate(shop_requests_total[5m]))",
    "topk by(job)(2, shop_memory_bytes)",
    "bottomk(3, rate(shop_cpu_seconds_total[5m]))",
    'count_values("value", up)',
    'count_values by(job)("value", round(shop_temperature_celsius, 5))',
    "shop_temperature_celsius {arithmetic} 1.5",
    "2 {arithmetic} shop_queue_depth",
    "3 {arithmetic} 2",
    "3 atan2 2",
    # `abs` takes the name off, which Prometheus 2 forgets here.
    "abs(shop_temperature_celsius atan2 1.5)",
    'abs(shop_memory_bytes{{kind="heap"}} atan2 ignoring(kind) shop_memory_bytes{{kind="stack"}})',
    "shop_temperature_celsius {comparison} 21",
    "shop_temperature_celsius {comparison} bool 21",
    "1 {comparison} bool 2",
    "shop_memory_bytes {comparison} bool on(instance) group_left() shop_start_time_seconds",
    'shop_memory_bytes{{kind="heap"}} {arithmetic} ignoring(kind) shop_memory_bytes{{kind="stack"}}',
    "shop_memory_bytes {arithmetic} on(instance,job) group_left() shop_temperature_celsius",
    "shop_temperature_celsius * on(instance) group_right() shop_memory_bytes",
    'shop_requests_total{{status="500"}} / on(instance,path,method) group_left() sum by(instance,path,method)(shop_requests_total)',
    'shop_requests_total and shop_requests_total{{method="GET"}}',
    "shop_requests_total and on(path) shop_request_duration_seconds_count",
    "up or shop_queue_depth",
    "up unless on(instance) shop_queue_depth",
    "histogram_quantile({quantile}, rate(shop_request_duration_seconds_bucket[{range}]))",
    "histogram_quantile(0.9, sum by(le,path)(rate(shop_request_duration_seconds_bucket[5m])))",
    'label_replace(shop_queue_depth, "port", "$1", "instance", ".*:(.*)")',
    'label_replace(shop_queue_depth, "job", "", "job", ".*")',
    'label_join(shop_queue_depth, "both", "-", "job", "instance")',
    "max_over_time(rate(shop_requests_total[1m])[10m:1m])",
    "{over_time}_over_time(sum(shop_queue_depth)[10m:30s])",
    "sum_over_time((shop_temperature_celsius > 20)[5m:15s] offset 1m)",
    "avg by(job)(rate(shop_requests_total[5m])) / scalar(sum(rate(shop_requests_total[5m])))",
    'sum by(job)(rate(shop_requests_total{{status=~"5.."}}[5m])) / sum by(job)(rate(shop_requests_total[5m])) > 0.001',
    "sum(shop_requests_total) by(job) > bool on() group_left() sum(shop_queue_depth)",
    "shop_requests_total + shop_none",
    "-(shop_queue_depth - 10) ^ 2",
    # Mistakes: both refuse them.
    "rate(up)",
    "sum(up[5m])",
    "up{{job=~\"(\"}}",
    "up + on(job) shop_requests_total",
    "nonsense(up)",
    "label_replace(up, \"0bad\", \"\", \"\", \"(\")",
)


def templates(end_s):
    """Every template with every variant."""
    for template in TEMPLATES:
        names = [name for name in VARIANTS if "{" + name + "}" in template]
        for chosen in itertools.product(*(VARIANTS[name] for name in names)):
            yield template.format(end=end_s, **dict(zip(names, chosen)))


class Generator:
    """Random queries; the same seed gives the same ones.

    What jumps (`floor`, `%`) works on stored values only, and is compared with numbers that nothing comes near: the last bit
    of a sum depends on its order, and must not decide.
    """

    def __init__(self, seed):
        self.random = random.Random(seed)

    def query(self):
        return self.vector(self.random.randrange(2, 5))

    def pick(self, *choices):
        return self.random.choice(choices)

    def vector(self, depth):
        if depth == 0:
            return self.selector(self.pick(*GAUGES))
        kind = self.pick(self.function, self.function, self.windowed, self.windowed, self.aggregation, self.aggregation, self.binary)
        return kind(depth - 1)

    def selector(self, name):
        matcher = self.pick(
            "", "", "", '{job="shop"}', '{instance!~"a.*"}', '{instance=~"[ab]:9100",job=~"shop.*"}', '{path=~"/|/pay"}'
        )
        return name + matcher

    def modifiers(self):
        return self.pick("", "", "", " offset 1m", " offset -30s", " offset 7m")

    def windowed(self, depth):
        window = self.pick("45s", *RANGES)
        if depth > 1 and self.random.random() < 0.3:
            over = self.pick(*OVER_TIME)
            # Where squares overflow Prometheus 2 has NaN for the deviation; no gauge is so large.
            inner = self.selector(self.pick(*GAUGES)) if over.startswith("std") else self.vector(depth - 1)
            return f"{over}_over_time(({inner})[{window}:{self.pick('20s', '1m')}]{self.modifiers()})"
        if self.random.random() < 0.6:
            return f"{self.pick(*OF_COUNTERS)}({self.selector(self.pick(*COUNTERS))}[{window}]{self.modifiers()})"
        return f"{self.pick(*OVER_TIME)}_over_time({self.selector(self.pick(*GAUGES))}[{window}]{self.modifiers()})"

    def function(self, depth):
        name = self.pick("abs", "ceil", "floor", "sgn", "round", "clamp", "sqrt", "minus", "absent", "timestamp", "replace")
        jumps = name in ("ceil", "floor", "sgn", "round")
        inner = self.selector(self.pick(*GAUGES)) if jumps else self.vector(depth)
        match name:
            case "clamp":
                return f"clamp({inner}, -5, {self.pick('10', '1e3')})"
            case "minus":
                return f"-({inner})"
            case "replace":
                return f'label_replace({inner}, "host", "$1", "instance", "(.):.*")'
        return f"{name}({inner})"

    def aggregation(self, depth):
        grouping = self.pick("", " by (job)", " by (instance)", " by (job, path)", " without (instance)", " without (path, le)")
        name = self.pick(*AGGREGATIONS, "quantile")
        parameter = self.pick("0.5, ", "0.9, ") if name == "quantile" else ""
        # Of a single NaN or infinity Prometheus 2 takes the deviation for 0; no gauge has one.
        inner = self.selector(self.pick(*GAUGES)) if name.startswith("std") else self.vector(depth)
        return f"{name}{grouping} ({parameter}{inner})"

    def binary(self, depth):
        if self.random.random() < 0.5:
            operator = self.pick(*ARITHMETIC, *COMPARISONS, "> bool", "== bool")
            left = self.selector(self.pick(*GAUGES)) if operator == "%" else self.vector(depth)
            return f"({left}) {operator} {self.pick('0.0137', '2.0173', '-1.53', '100.37')}"
        labels = self.pick("job", "instance", "job, instance")
        side = self.pick("sum", "max", "avg")
        operator = self.pick(*ARITHMETIC[:4], "> bool", "and", "or", "unless")
        right = f"{side} by ({labels}) ({self.vector(depth)})"
        left = f"{side} by ({labels}) ({self.vector(depth)})"
        if operator in ("and", "or", "unless"):
            return f"({left} {operator} {right})"
        return f"({left} {operator} on ({labels}) {right})"
