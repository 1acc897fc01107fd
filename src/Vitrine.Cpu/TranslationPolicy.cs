namespace Vitrine.Cpu;

/// <summary>When code is translated. The default is never: all is interpreted.</summary>
/// <param name="Threshold">Runs of a block after which it is translated, up to 65,535; zero for never.</param>
/// <param name="OnlyWhatRan">What has never been executed isn't translated with what leads to it.</param>
internal readonly record struct TranslationPolicy(int Threshold, bool OnlyWhatRan = false)
{
    /// <summary>Translates what has run long enough to be worth it.</summary>
    public static TranslationPolicy WhenWarm => new(8000, true);

    /// <summary>Translates everything at its first run, so that tests meet the translator alone.</summary>
    public static TranslationPolicy AtOnce => new(1);
}
