#include "daemon/token_watch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/read_file.h"
#include "base/time/timestamp.h"

namespace picortex {
namespace {

constexpr const char* kUsesFile = "/token_uses";
// Name, space, time, padding, newline.
constexpr std::size_t kLineSize = kTokenNameSizeMax + 1 + kIsoTimeSize + 1;

}  // namespace

std::map<std::string, std::int64_t, std::less<>> read_token_uses(const std::string& data_dir) {
  std::map<std::string, std::int64_t, std::less<>> uses;
  const auto text = read_small_file(data_dir + kUsesFile, kNamedTokensMax * kLineSize);
  if (!text) return uses;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest = end == rest.npos ? std::string_view{} : rest.substr(end + 1);
    line = line.substr(0, line.find_last_not_of(' ') + 1);
    const std::size_t space = line.find(' ');
    if (space == line.npos || !is_token_name(line.substr(0, space))) continue;
    if (const auto time_ms = parse_iso_time(line.substr(space + 1))) {
      uses.insert_or_assign(std::string(line.substr(0, space)), *time_ms);
    }
  }
  return uses;
}

Result<std::unique_ptr<TokenWatch>> TokenWatch::open(Reactor& reactor, Log& log,
                                                     AccessControl& access,
                                                     const std::string& data_dir) {
  std::unique_ptr<TokenWatch> self(new TokenWatch(reactor, log, access, data_dir));
  // Watched first, so that no change falls between reading and watching.
  auto watch = FileWatch::open(reactor, {data_dir + "/" + std::string(kTokensFile)},
                               Callback<>::to<&TokenWatch::on_change>(*self));
  if (!watch) return std::unexpected(watch.error());
  self->watch_ = std::move(*watch);
  auto tokens = load_named_tokens(data_dir);
  if (!tokens) return std::unexpected(tokens.error());
  access.replace_tokens(*std::move(tokens));
  if (auto opened = self->open_uses(); !opened) return std::unexpected(opened.error());
  return self;
}

Result<void> TokenWatch::open_uses() {
  const std::string path = data_dir_ + kUsesFile;
  used_ms_ = read_token_uses(data_dir_);
  uses_.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                     S_IRUSR | S_IWUSR));
  // A directory that cannot be written serves readers; then no use is noted.
  if (!uses_.is_open() && errno != EROFS) {
    return errno_failure("cannot write " + path);
  }
  return {};
}

void TokenWatch::start() {
  reactor_.add(ticks_);
  watch_->start();
  ticks_.start(tick_, reactor_.now());
}

void TokenWatch::stop() noexcept {
  tick_.stop();
  watch_->stop();
  note_uses();
}

void TokenWatch::on_change() noexcept {
  note_uses();
  auto tokens = load_named_tokens(data_dir_);
  if (!tokens) {
    log_.line(Level::error, "tokens.unreadable")
        .message(tokens.error().what + "; the tokens stay as they were");
    return;
  }
  const auto count = static_cast<std::int64_t>(tokens->size());
  access_.replace_tokens(*std::move(tokens));
  log_.line(Level::info, "tokens.changed")
      .number("tokens", count)
      .message("the tokens have been read again");
}

void TokenWatch::on_tick() noexcept {
  ticks_.start(tick_, reactor_.now());
  watch_->retry();
  note_uses();
}

void TokenWatch::note_uses() {
  std::uint64_t uses = access_.take_uses();
  for (const NamedToken& token : access_.tokens()) {
    if ((uses & 1) != 0) {
      used_ms_.insert_or_assign(token.name, reactor_.unix_ms());
      is_dirty_ = true;
    }
    uses >>= 1;
  }
  if (is_dirty_) write_uses();
}

void TokenWatch::write_uses() noexcept {
  if (!uses_.is_open() || write_.in_flight()) return;
  writing_.clear();
  // Only of tokens that exist: what is noted stays as bounded as they are.
  for (const NamedToken& token : access_.tokens()) {
    const auto used = used_ms_.find(token.name);
    if (used == used_ms_.end()) continue;
    const std::size_t begin = writing_.size();
    writing_ += token.name + ' ' + iso_time(used->second);
    writing_.append(begin + kLineSize - 1 - writing_.size(), ' ') += '\n';
  }
  std::erase_if(used_ms_, [this](const auto& use) {
    return writing_.find(use.first + ' ') == writing_.npos;
  });
  while (writing_.size() < kNamedTokensMax * kLineSize) {
    writing_.append(kLineSize - 1, ' ') += '\n';
  }
  if (lseek(uses_.number(), 0, SEEK_SET) != 0) return;
  is_dirty_ = false;
  reactor_.ring().write(write_, uses_.number(), writing_);
}

void TokenWatch::on_write(const Completion& completion) noexcept {
  if (completion.result != static_cast<int>(writing_.size())) is_dirty_ = true;
}

}  // namespace picortex
