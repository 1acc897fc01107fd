namespace Vitrine.Cpu.Tests.Judge;

/// <summary>A way of executing guest code that is compared with the host's processor, instance by instance.</summary>
internal unsafe interface IJudgedEngine : IDisposable
{
    /// <summary>Runs from the instance's state until something happens. Both are native memory.</summary>
    void Run(Instance* instance, Result* result);
}

/// <summary>The engines that the judge hears: each runs all forms, mutated encodings and sequences.</summary>
internal static class Engines
{
    public const string Interpreter = "interpreter";
    public const string Translator = "translator";

    private static readonly string? Only = Environment.GetEnvironmentVariable("VITRINE_CPU_ENGINE");

    /// <summary>By name, as tests show them. VITRINE_CPU_ENGINE picks one.</summary>
    public static IEnumerable<string> Names => Only is null ? [Interpreter, Translator] : [Only];

    public static IJudgedEngine Create(string name) => name switch
    {
        Interpreter => new EmulatedProcessor(default),
        Translator => new EmulatedProcessor(TranslationPolicy.AtOnce),
        _ => throw new ArgumentException($"there is no engine called {name}", nameof(name)),
    };
}
