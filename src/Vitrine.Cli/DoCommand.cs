using System.CommandLine;
using System.CommandLine.Parsing;

namespace Vitrine.Cli;

/// <summary><c>vitrine do [options] -- PROGRAM ARGS…</c>: a program of the host, in a machine over the host's tree.</summary>
internal static class DoCommand
{
    public static Command Create()
    {
        var memory = new Option<string>("--memory", "-m") { Description = "Guest memory, such as 512M or 4G (default 1G).", HelpName = "SIZE" };
        var processors = new Option<int>("--cpus") { Description = "Virtual processors, 1 to 64 (default 1).", HelpName = "N", DefaultValueFactory = static _ => 1 };
        var engine = new Option<string>("--engine") { Description = "How guest code is executed: translator or interpreter (default: as VITRINE_ENGINE says, or translator).", HelpName = "ENGINE" };
        engine.AcceptOnlyFromAmong("translator", "interpreter");
        var level = new Option<string>("--cpu") { Description = "The processors' instructions: x86-64-v2, x86-64-v3 or max, all that are implemented (default max).", HelpName = "LEVEL" };
        var timeout = new Option<string>("--timeout") { Description = "Stop the machine after this time, such as 500ms, 2s or 5m; the exit status is then 124.", HelpName = "TIME" };
        var environment = new Option<string[]>("--env", "-e") { Description = "Set a variable (NAME=VALUE), or pass the caller's on (NAME).", HelpName = "NAME[=VALUE]" };
        var workingDirectory = new Option<string>("--workdir", "-w") { Description = "The directory to start in (default: the current one).", HelpName = "DIR" };
        var hostname = new Option<string>("--hostname") { Description = "The host name inside (default: vitrine).", HelpName = "NAME" };
        var volumes = new Option<string[]>("--volume", "-v") { Description = "Share a host directory or file, writable unless it ends in ':ro'.", HelpName = "HOST:GUEST[:ro]" };
        var strace = new Option<bool>("--strace") { Description = "Print every system call to standard error, as strace -f does." };
        var seed = new Option<string?>("--seed") { Description = "Run deterministically: one processor, time counted in instructions from 2030 on, all chance from this number.", HelpName = "N" };
        var stateHash = new Option<string>("--state-hash") { Description = "With --seed: print a hash of the machine's state at the program's end to standard error; every:N also each N instructions, every:N@START from the START-th on.", HelpName = "every:N[@START]", Arity = ArgumentArity.ZeroOrOne };
        var program = new Argument<string[]>("PROGRAM ARGS") { Description = "The program and its arguments, after '--'.", Arity = ArgumentArity.OneOrMore };
        var command = new Command("do", "Run a program of this host in a machine that sees the host's tree but can't change it.")
        {
            memory, processors, engine, level, timeout, environment, workingDirectory, hostname, volumes, strace, seed, stateHash, program,
        };
        command.SetAction(parsed =>
        {
            (ulong interval, ulong start) = OptionValues.ParseInterval(parsed.GetValue(stateHash));
            ulong? chance = parsed.GetValue(seed) is { } number ? OptionValues.ParseSeed(number) : null;
            OptionValues.RequireSeed(chance, parsed.GetResult(stateHash) is not null, parsed.GetValue(processors));
            var machine = new MachineOptions
            {
                Memory = parsed.GetValue(memory) is { } size ? OptionValues.ParseSize(size) : 1L << 30,
                Processors = parsed.GetValue(processors),
                Engine = parsed.GetValue(engine) switch
                {
                    null => new MachineOptions().Engine,
                    "interpreter" => ProcessorEngine.Interpreter,
                    _ => ProcessorEngine.Translator,
                },
                ProcessorLevel = parsed.GetValue(level) is { } name ? OptionValues.ParseLevel(name) : ProcessorLevel.Maximum,
                Timeout = parsed.GetValue(timeout) is { } time ? OptionValues.ParseTime(time) : null,
                Hostname = parsed.GetValue(hostname) ?? "vitrine",
                Volumes = Array.ConvertAll(parsed.GetValue(volumes) ?? [], Volume.Parse),
                Trace = parsed.GetValue(strace) ? StandardError.WriteLine : null,
                Seed = chance,
                HashesState = parsed.GetResult(stateHash) is not null,
                StateHashInterval = interval,
                StateHashStart = start,
                StateHashed = static hash => Program.Say(StateHashText.Between(hash)),
            };
            string[] words = parsed.GetValue(program)!;
            RefuseUnknownOption(parsed, words);
            return Run(machine, words, ReadVariables(parsed.GetValue(environment) ?? []), parsed.GetValue(workingDirectory));
        });
        return command;
    }

    /// <summary>Runs a program and its arguments with the defaults of all options.</summary>
    public static int Run(string[] words) => Run(new MachineOptions(), words, new Dictionary<string, string?>(StringComparer.Ordinal), null);

    /// <summary>Waits on the calling thread: nothing else is to be done on it, and start-up has fewer methods to compile.</summary>
    private static int Run(MachineOptions machineOptions, string[] words, Dictionary<string, string?> environment, string? workingDirectory)
    {
        var processOptions = new ProcessOptions(words[0], words[1..])
        {
            Environment = environment,
            WorkingDirectory = workingDirectory,
            StandardInput = ProcessStream.Inherit,
            StandardOutput = ProcessStream.Inherit,
            StandardError = ProcessStream.Inherit,
        };
        Machine machine = Machine.StartAsync(machineOptions).GetAwaiter().GetResult();
        ProcessResult result;
        try
        {
            GuestProcess process = machine.StartProcessAsync(processOptions).GetAwaiter().GetResult();
            using var signals = new ForwardedSignals(process);
            result = process.WaitAsync().GetAwaiter().GetResult();
        }
        finally
        {
            machine.StopAsync().GetAwaiter().GetResult();
        }

        if (result.StateHash is { } hash)
            Program.Say(StateHashText.AtEnd(hash));
        if (result.TimedOut)
            return Program.Report($"{words[0]}: stopped after {machineOptions.Timeout!.Value.TotalSeconds} s (--timeout)", ExitStatus.TimedOut);
        if (SignalText.LineFor(result) is { } line)
            Program.Say(line);
        return result.ShellStatus;
    }

    /// <summary>The parser takes an option that it doesn't know for the program: what stands before '--' must be known.</summary>
    private static void RefuseUnknownOption(ParseResult parsed, string[] words)
    {
        int behind = 0;
        bool separated = false;
        foreach (Token token in parsed.Tokens)
        {
            if (token.Type == TokenType.DoubleDash)
                separated = true;
            else if (separated)
                behind++;
        }

        if (separated ? behind < words.Length : words[0].StartsWith('-'))
            throw new FormatException($"unknown option '{words[0]}'; the program and its arguments stand after '--'");
    }

    private static Dictionary<string, string?> ReadVariables(string[] settings)
    {
        var variables = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (string setting in settings)
        {
            int equals = setting.IndexOf('=', StringComparison.Ordinal);
            if (equals == 0)
                throw new FormatException($"'{setting}' names no variable; write NAME=VALUE or NAME");
            string name = equals < 0 ? setting : setting[..equals];
            variables[name] = equals < 0 ? Environment.GetEnvironmentVariable(name) : setting[(equals + 1)..];
        }

        return variables;
    }
}
