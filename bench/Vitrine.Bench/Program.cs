using Vitrine.Bench;

// Benchmarks that compare Vitrine with the host, each printing ratios from one run.
return args switch
{
    [] => RunAll(),
    ["cpu", .. string[] rest] => ProcessorSpeed.Run(rest),
    ["startup"] => StartUp.Run(),
    ["kernel"] => KernelSpeed.Run(),
    ["find"] => TreeWalk.Run(),
    _ => Usage(),
};

static int RunAll()
{
    int status = StartUp.Run();
    Console.WriteLine();
    status |= ProcessorSpeed.Run([]);
    Console.WriteLine();
    status |= KernelSpeed.Run();
    Console.WriteLine();
    return status | TreeWalk.Run();
}

static int Usage()
{
    Console.Error.WriteLine(
        """
        usage: bench/run [benchmark]
          startup           /bin/true: the host, an empty .NET program, vitrine do
          cpu [program…]    the interpreter against native and qemu-x86_64
          kernel            system calls, switches, fork and exit, changing mappings against the host's kernel
          find              find /usr against the host
        Without a name, all of them.
        """);
    return 2;
}
