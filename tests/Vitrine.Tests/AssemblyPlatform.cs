using System.Runtime.Versioning;

// The tests compare with the host's kernel: they run on Linux.
[assembly: SupportedOSPlatform("linux")]
