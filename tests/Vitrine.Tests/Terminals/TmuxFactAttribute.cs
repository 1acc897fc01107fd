namespace Vitrine.Tests.Terminals;

/// <summary>A test that needs tmux; skipped with a reason on a host without it.</summary>
public sealed class TmuxFactAttribute : FactAttribute
{
    /// <param name="programs">What else it needs.</param>
    public TmuxFactAttribute(params string[] programs)
    {
        string[] missing = [.. programs.Append("tmux").Where(p => !HostRun.Has(p))];
        if (missing.Length > 0)
            Skip = "not installed: " + string.Join(", ", missing);
    }

    /// <summary>The test does what only root may.</summary>
    public bool AsRoot
    {
        get => _asRoot;
        set
        {
            _asRoot = value;
            if (value && !Environment.IsPrivilegedProcess)
                Skip ??= "only root may do this";
        }
    }

    private bool _asRoot;
}
