#pragma once

namespace picortex {

class CommandParser;

// Declares what each command of the program takes, in the order of --help.
void declare_commands(CommandParser& parser);

// The commands that have others below them, and those about the program itself: each part has a
// file of its own, and declare_commands() calls them.
void declare_db(CommandParser& parser);
void declare_ship(CommandParser& parser);
void declare_token(CommandParser& parser);
void declare_claude(CommandParser& parser);
void declare_egress(CommandParser& parser);
void declare_program_commands(CommandParser& parser);

}  // namespace picortex
