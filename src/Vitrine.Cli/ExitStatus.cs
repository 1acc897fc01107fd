namespace Vitrine.Cli;

/// <summary>The command's own exit statuses; all others are the program's.</summary>
internal static class ExitStatus
{
    /// <summary>The program was stopped by <c>--timeout</c>, as timeout(1) reports it.</summary>
    public const int TimedOut = 124;

    /// <summary>Vitrine failed before or beside the program.</summary>
    public const int VitrineError = 125;

    /// <summary>The program was found but can't be executed.</summary>
    public const int NotExecutable = 126;

    /// <summary>The program was not found.</summary>
    public const int NotFound = 127;

    public static int Of(VitrineFailure failure) => failure switch
    {
        VitrineFailure.ProgramNotFound => NotFound,
        VitrineFailure.ProgramNotExecutable => NotExecutable,
        _ => VitrineError,
    };
}
