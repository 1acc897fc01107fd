using System.CommandLine;
using System.CommandLine.Parsing;

namespace Vitrine.Cli;

/// <summary>The <c>vitrine</c> command: reads the command line and hands it to a command. Errors are one line.</summary>
internal static class Program
{
    public static int Main(string[] args)
    {
        // For whoever works on Vitrine itself: every machine is looked through at its end.
        if (Environment.GetEnvironmentVariable("VITRINE_AUDIT") is "1")
            AppContext.SetSwitch("Vitrine.Audit", true);
        switch (Environment.GetEnvironmentVariable("VITRINE_ENGINE"))
        {
            case null or "" or "translator":
                break;
            case "interpreter":
                AppContext.SetSwitch("Vitrine.Interpreter", true);
                break;
            case { } other:
                return Report($"VITRINE_ENGINE is '{other}'; it can be translator or interpreter");
        }

        if (args is ["do", ..])
            Machine.Prepare();
        try
        {
            // Without options there is nothing to parse, and to compile the parser takes longer than to run it.
            return args is ["do", "--", _, ..] ? DoCommand.Run(args[2..]) : RunParsed(args);
        }
        catch (VitrineException exception)
        {
            // For whoever works on Vitrine itself: where in the kernel it was.
            if (Environment.GetEnvironmentVariable("VITRINE_DEBUG") is "1")
                Say($"{exception.InnerException}");
            return Report(exception.Message, ExitStatus.Of(exception.Failure));
        }
        catch (FormatException exception)
        {
            return Report(exception.Message);
        }
    }

    /// <summary>Prints an error of Vitrine itself.</summary>
    public static int Report(string message, int status = ExitStatus.VitrineError)
    {
        Say("vitrine: " + message.ReplaceLineEndings(" "));
        return status;
    }

    /// <summary>Prints a line to standard error.</summary>
    public static void Say(string line) => StandardError.WriteLine(line);

    private static int RunParsed(string[] args)
    {
        var root = new RootCommand("Runs Linux programs in a Linux-compatible operating system of its own.");
        root.Subcommands.Add(DoCommand.Create());
        root.Subcommands.Add(VersionCommand.Create());
        ParseResult parsed = root.Parse(args);
        if (args.Length == 0)
            parsed = root.Parse(["--help"]);
        else if (parsed.Errors.Count > 0 && !AsksForHelp(parsed))
            return Report(parsed.Errors[0].Message);
        return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
    }

    private static bool AsksForHelp(ParseResult parsed)
    {
        foreach (Token token in parsed.Tokens)
        {
            if (token.Value is "-h" or "-?" or "--help")
                return true;
        }

        return false;
    }
}
