// More languages with an OpenTelemetry SDK. Package and variable names as in the documentation of each language.
import { environment, type Source } from "./source.ts";

const dotnet: Source = {
  id: "dotnet",
  title: ".NET",
  group: "Languages",
  about: "ASP.NET Core, HttpClient, SqlClient and Npgsql are instrumented when the process starts.",
  steps: (target) => [
    {
      title: "Install",
      where: "shell",
      text: `curl -sSfL https://github.com/open-telemetry/opentelemetry-dotnet-instrumentation/releases/latest/download/otel-dotnet-auto-install.sh | bash
chmod +x $HOME/.otel-dotnet-auto/instrument.sh`,
    },
    { title: "Configure", where: "environment", text: environment(target) },
    {
      title: "Run",
      where: "shell",
      text: ". $HOME/.otel-dotnet-auto/instrument.sh\ndotnet run",
      note: "Logs of ILogger are sent too; they carry the trace they belong to.",
    },
  ],
};

const ruby: Source = {
  id: "ruby",
  title: "Ruby",
  group: "Languages",
  about: "Rails, Sinatra, pg, redis and Sidekiq are instrumented.",
  steps: (target) => [
    {
      title: "Install",
      where: "shell",
      text: "bundle add opentelemetry-sdk opentelemetry-exporter-otlp opentelemetry-instrumentation-all",
    },
    {
      title: "Configure",
      where: "config/initializers/opentelemetry.rb",
      text: `require "opentelemetry/sdk"
require "opentelemetry/exporter/otlp"
require "opentelemetry/instrumentation/all"

OpenTelemetry::SDK.configure { |c| c.use_all }`,
    },
    { title: "Run", where: "shell", text: `${environment(target)}\nbundle exec rails server` },
  ],
};

const php: Source = {
  id: "php",
  title: "PHP",
  group: "Languages",
  about: "Laravel, Symfony, PDO and PSR-18 clients are instrumented by the extension.",
  steps: (target) => [
    {
      title: "Install",
      where: "shell",
      text: `pecl install opentelemetry
composer require open-telemetry/sdk open-telemetry/exporter-otlp open-telemetry/opentelemetry-auto-laravel`,
    },
    {
      title: "Configure",
      where: "environment",
      text: environment(target, ["export OTEL_PHP_AUTOLOAD_ENABLED=true"]),
      note: "php.ini needs extension=opentelemetry.so.",
    },
    { title: "Run", where: "shell", text: "php -S localhost:8000 -t public" },
  ],
};

const cpp: Source = {
  id: "cpp",
  title: "C++",
  group: "Languages",
  about: "Spans by hand, exported over OTLP/HTTP.",
  steps: (target) => [
    {
      title: "Install",
      where: "CMakeLists.txt",
      text: `find_package(opentelemetry-cpp CONFIG REQUIRED)
target_link_libraries(app opentelemetry-cpp::otlp_http_exporter opentelemetry-cpp::trace)`,
    },
    {
      title: "Configure",
      where: "telemetry.cpp",
      text: `#include <opentelemetry/exporters/otlp/otlp_http_exporter_factory.h>
#include <opentelemetry/sdk/trace/batch_span_processor_factory.h>
#include <opentelemetry/sdk/trace/batch_span_processor_options.h>
#include <opentelemetry/sdk/trace/tracer_provider_factory.h>
#include <opentelemetry/trace/provider.h>

namespace otlp = opentelemetry::exporter::otlp;
namespace sdk = opentelemetry::sdk::trace;

void start_telemetry() {
  auto exporter = otlp::OtlpHttpExporterFactory::Create();  // reads the environment below
  auto processor = sdk::BatchSpanProcessorFactory::Create(std::move(exporter), {});
  auto provider = sdk::TracerProviderFactory::Create(std::move(processor));
  opentelemetry::trace::Provider::SetTracerProvider(
      opentelemetry::nostd::shared_ptr<opentelemetry::trace::TracerProvider>(provider.release()));
}`,
    },
    { title: "Run", where: "shell", text: `${environment(target)}\n./app` },
  ],
};

export const MORE_LANGUAGES: readonly Source[] = [dotnet, ruby, php, cpp];
