#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "daemon/config/options/alert_options.h"
#include "daemon/config/options/command_options.h"
#include "daemon/config/options/egress_command_options.h"
#include "daemon/config/options/egress_options.h"
#include "daemon/config/options/intake_options.h"
#include "daemon/config/options/listening_options.h"
#include "daemon/config/options/logging_options.h"
#include "daemon/config/options/question_options.h"
#include "daemon/config/options/storage_options.h"

namespace picortex {

// Which command has which options. Each option is declared once, in daemon/config/options/.

// Options of `picortex serve` under a heading of their own, in the order in which they are shown.
struct OptionSection {
  std::string_view title;
  std::span<const Option* const> options;
};

inline constexpr std::array<const Option*, 10> kListeningOptions{
    &kListen,        &kHosts,           &kTrustedProxies, &kPeers,         &kConnectionsMax,
    &kIdleTimeoutMs, &kHeaderTimeoutMs, &kBodyTimeoutMs,  &kSendTimeoutMs, &kDrainSeconds};
inline constexpr std::array<const Option*, 6> kStorageOptions{
    &kDataDir, &kDurability, &kCompressData, &kRetentionDays, &kMaxDbBytes, &kMinFreeBytes};
inline constexpr std::array<const Option*, 3> kLoggingOptions{&kLogLevel, &kLogFormat,
                                                              &kLogLevelFormat};
inline constexpr std::array<const Option*, 7> kIntakeOptions{
    &kFrontendLogMaxBytes, &kFrontendLogRate, &kLinqSecret, &kSentryIngest,
    &kSentryRate,          &kTelemetryRate,   &kChatBudget};
inline constexpr std::array<const Option*, 3> kAlertOptions{&kAlertCommand, &kAlertOn,
                                                            &kTmuxSocket};
inline constexpr std::array<const Option*, 5> kEgressOptions{
    &kEgressMode, &kEgressUser, &kEgressAllowlist, &kEgressUpload, &kEgressDnsPort};

inline constexpr std::array<OptionSection, 6> kServeSections{{
    {"Listening", kListeningOptions},
    {"Storage", kStorageOptions},
    {"Logging", kLoggingOptions},
    {"Intake", kIntakeOptions},
    {"Alerts", kAlertOptions},
    {"Egress fence", kEgressOptions},
}};

// All of them.
inline constexpr std::size_t kServeOptionsCount = [] {
  std::size_t count = 0;
  for (const OptionSection& section : kServeSections) count += section.options.size();
  return count;
}();
inline constexpr std::array<const Option*, kServeOptionsCount> kServeOptions = [] {
  std::array<const Option*, kServeOptionsCount> all{};
  std::size_t at = 0;
  for (const OptionSection& section : kServeSections) {
    for (const Option* option : section.options) all[at++] = option;
  }
  return all;
}();

inline constexpr std::array<const Option*, 7> kEgressRulesOptions{
    &kEgressMode,      &kEgressUser,   &kListen, &kEgressDnsPort,
    &kEgressAllowlist, &kEgressUpload, &kDataDir};
inline constexpr std::array<const Option*, 4> kHealthOptions{&kListen, &kDataDir, &kHealthTimeout,
                                                             &kHealthJson};
inline constexpr std::array<const Option*, 4> kDoctorOptions{&kDataDir, &kListen, &kDoctorClient,
                                                             &kDoctorJson};
inline constexpr std::array<const Option*, 5> kRunOptions{&kChat, &kDataDir, &kListen, &kLogEvents,
                                                          &kNoArgv};
inline constexpr std::array<const Option*, 6> kEmitOptions{&kChat,    &kEmitRequest, &kEmitLevel,
                                                           &kEmitMsg, &kDataDir,     &kListen};
inline constexpr std::array<const Option*, 18> kLogsOptions{
    &kDataDir,     &kFromUrl,     &kFromHost,    &kFilterChat, &kFilterRequest, &kFilterType,
    &kFilterLevel, &kFilterSince, &kFilterUntil, &kFilterText, &kFilterWhere,   &kLogsLimit,
    &kLogsAround,  &kLogsIds,     &kLogsFollow,  &kChart,      &kAnswerJson,    &kAnswerUtc};
inline constexpr std::array<const Option*, 21> kStatsOptions{
    &kDataDir,     &kFromUrl,     &kFromHost,    &kFilterChat, &kFilterRequest, &kFilterType,
    &kFilterLevel, &kFilterSince, &kFilterUntil, &kFilterText, &kFilterWhere,   &kStatsBy,
    &kStatsCount,  &kStatsSum,    &kStatsMax,    &kStatsP50,   &kStatsP95,      &kChart,
    &kAnswerLimit, &kAnswerJson,  &kAnswerUtc};
inline constexpr std::array<const Option*, 14> kChatsOptions{
    &kDataDir,     &kFromUrl,     &kFromHost,    &kFilterChat,  &kFilterRequest,
    &kFilterType,  &kFilterLevel, &kFilterSince, &kFilterUntil, &kFilterText,
    &kFilterWhere, &kAnswerLimit, &kAnswerJson,  &kAnswerUtc};
inline constexpr std::array<const Option*, 19> kErrorsOptions{
    &kDataDir,       &kFromUrl,     &kFromHost,    &kListen,      &kFilterChat,
    &kFilterRequest, &kFilterType,  &kFilterLevel, &kFilterSince, &kFilterUntil,
    &kFilterText,    &kFilterWhere, &kErrorsAll,   &kErrorsMute,  &kErrorsResolve,
    &kErrorsOpen,    &kAnswerLimit, &kAnswerJson,  &kAnswerUtc};
inline constexpr std::array<const Option*, 8> kWhyOptions{
    &kWhyId, &kDataDir, &kFromUrl, &kFromHost, &kFilterChat, &kWhyLast, &kAnswerJson, &kAnswerUtc};

inline constexpr std::array<const Option*, 10> kTurnsOptions{
    &kDataDir,     &kFromUrl,   &kFromHost,   &kFilterChat, &kFilterSince,
    &kFilterUntil, &kTurnsSort, &kTurnsLimit, &kAnswerJson, &kAnswerUtc};
inline constexpr std::array<const Option*, 4> kForgetOptions{&kForgetChat, &kForgetYes, &kListen,
                                                             &kDataDir};
inline constexpr std::array<const Option*, 3> kClaudeOptions{&kClaudeUser, &kListen, &kDataDir};
inline constexpr std::array<const Option*, 1> kTokenOptions{&kDataDir};
inline constexpr std::array<const Option*, 2> kTokenCreateOptions{&kTokenScope, &kDataDir};
inline constexpr std::array<const Option*, 1> kDbOptions{&kDataDir};
inline constexpr std::array<const Option*, 2> kDbImportOptions{&kDataDir, &kRetentionDays};
inline constexpr std::array<const Option*, 3> kDbExportOptions{&kDataDir, &kFilterSince,
                                                               &kFilterUntil};

inline constexpr std::array<const Option*, 3> kShipOptions{&kShipTo, &kShipHost, &kDataDir};
inline constexpr std::array<const Option*, 3> kShipInitOptions{&kShipTo, &kShipApply, &kDataDir};
inline constexpr std::array<const Option*, 2> kShipStatusOptions{&kDataDir, &kAnswerJson};

inline constexpr std::array<const Option*, 5> kEgressAllowOptions{
    &kEgressFor, &kAllowUpload, &kAssumeYes, &kEgressAllowlist, &kDataDir};
inline constexpr std::array<const Option*, 2> kEgressFileOptions{&kEgressAllowlist, &kDataDir};
inline constexpr std::array<const Option*, 5> kEgressListOptions{
    &kEgressAllowlist, &kDataDir, &kListen, &kListGrants, &kEgressLimit};
inline constexpr std::array<const Option*, 5> kEgressTestOptions{
    &kTestEdit, &kTestSince, &kAnswerJson, &kEgressAllowlist, &kDataDir};
inline constexpr std::array<const Option*, 3> kEgressRequestOptions{&kRequestReason, &kDataDir,
                                                                    &kListen};
inline constexpr std::array<const Option*, 3> kEgressWhyOptions{&kAnswerJson, &kDataDir, &kListen};
inline constexpr std::array<const Option*, 5> kEgressHostsOptions{
    &kHostsText, &kHostsVerdict, &kEgressLimit, &kDataDir, &kAnswerUtc};
inline constexpr std::array<const Option*, 7> kEgressSelftestOptions{
    &kEgressUser,         &kSelftestTarget,      &kSelftestAllowed, &kSelftestForbidden,
    &kSelftestOpenDomain, &kSelftestAllowedHttp, &kSelftestOracle};

// Of commands whose answer people read on a terminal.
inline constexpr std::array<const Option*, 2> kTerminalOptions{&kColor, &kNoPager};

// True for a variable that a config file may set. One file serves every subcommand.

// Returns whether some command has an option with this variable.
bool is_config_variable(std::string_view name) noexcept;

}  // namespace picortex
